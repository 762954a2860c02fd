// Checks train_rows against loops in double, and times it at the sizes of SmolLM2-135M. Options of bench.cuh.
#include "train_rows.cu"

#include "bench_tensors.cuh"

namespace {

constexpr float kEpsilon = 1e-2f;

int up(long long count, int step) { return static_cast<int>((count + step - 1) / step); }

struct Checker {
  bench::Checks& checks;
  int rows, columns, is_bf16;
  uint64_t seed = 1;

  Tensor random(int r, int c) { return Tensor::random(r, c, is_bf16, seed++); }
  Tensor random() { return random(rows, columns); }

  void within(const char* what, const Tensor& found, const std::vector<double>& wanted) const {
    const std::string name = std::string(what) + " " + std::to_string(rows) + "x" + std::to_string(columns) + (found.is_bf16 ? " bf16" : " fp32");
    checks.within(name, error(found.host(), wanted), found.is_bf16 ? 4e-3 : 5e-6, found.bytes.guards_hold());
  }

  int eights() const { return up(static_cast<long long>(rows) * up(columns, 8), 256); }

  void whole() {
    const Tensor x = random(), y = random(), other = Tensor::random(rows, columns, !is_bf16, seed++);
    std::vector<double> sum = y.host(), copy = x.host();
    for (size_t i = 0; i < sum.size(); i++) sum[i] += 3 * copy[i];
    train_rows_combine<<<7, 256>>>(OF(x), OF(y), 3, 1, x.count());
    within("add", y, sum);
    train_rows_combine<<<7, 256>>>(OF(x), OF(other), -1, 0, x.count());
    for (double& one : copy) one = -one;
    within("copy", other, copy);
    train_rows_multiply<<<7, 256>>>(OF(x), OF(other), x.count());
    for (double& one : copy) one *= -one;
    within("multiply", other, copy);
    many(x);
  }

  // A tensor of 5 numbers before x, and another behind it.
  void many(const Tensor& x) {
    const Tensor five = random(5, 1), last = random(3, 7), gone = random();
    std::vector<train_rows::Entry> entries;
    int blocks = 0;
    for (const Tensor* one : {&five, &x, &gone, &last}) {
      entries.push_back({reinterpret_cast<long long>(one->data()), one->count(), one->is_bf16, blocks});
      blocks += up(one->count(), train_rows::kPiece);
    }
    const bench::Device<train_rows::Entry> table(entries);
    bench::Device<double> squares(blocks);
    train_rows_squares<<<blocks, 256>>>(table.data(), 4, squares.data());
    CUDA_MUST(cudaDeviceSynchronize());
    double found = 0, wanted = 0;
    for (double one : squares.host()) found += one;
    for (const Tensor* tensor : {&five, &x, &gone, &last}) {
      for (double one : tensor->host()) wanted += one * one;
    }
    checks.within("squares", std::abs(found / wanted - 1), 1e-6, squares.guards_hold());
    const std::vector<double> kept = last.host();
    train_rows_zeros<<<blocks - 1, 256>>>(table.data(), 4);
    within("zeros", gone, std::vector<double>(gone.count()));
    within("not zeros", last, kept);
  }

  std::vector<double> roots(const std::vector<double>& x) const {
    std::vector<double> all;
    for (int r = 0; r < rows; r++) {
      double sum = 0;
      for (int c = 0; c < columns; c++) sum += x[r * columns + c] * x[r * columns + c];
      all.push_back(1 / std::sqrt(sum / columns + kEpsilon));
    }
    return all;
  }

  // The gradient as sums over the Jacobian: d y_c / d x_i = w_c root ([c = i] - x_c x_i root^2 / columns).
  void norm() {
    const Tensor x = random(), dy = random(), dx = random(), y(rows, columns, is_bf16);
    const Tensor weight = Tensor::random(1, columns, 0, seed++), d_weight = Tensor::random(1, columns, 0, seed++);
    const std::vector<double> xs = x.host(), ws = weight.host(), ds = dy.host(), root = roots(xs);
    std::vector<double> normed(xs.size()), gradient = dx.host(), of_weight = d_weight.host();
    for (int r = 0; r < rows; r++) {
      double dot = 0;
      for (int c = 0; c < columns; c++) dot += ds[r * columns + c] * ws[c] * xs[r * columns + c];
      for (int c = 0; c < columns; c++) {
        const size_t i = static_cast<size_t>(r) * columns + c;
        normed[i] = xs[i] * root[r] * ws[c];
        gradient[i] += root[r] * ds[i] * ws[c] - xs[i] * dot * root[r] * root[r] * root[r] / columns;
        of_weight[c] += ds[i] * xs[i] * root[r];
      }
    }
    train_rows_norm<<<up(rows, 4), 128>>>(OF(x), OF(weight), OF(y), rows, columns, kEpsilon);
    within("norm", y, normed);
    bench::Device<float> left(rows), sums(static_cast<size_t>(up(rows, 128)) * columns);
    train_rows_norm_gradient<<<up(rows, 4), 128>>>(OF(x), OF(weight), OF(dy), OF(dx), left.data(), rows, columns, kEpsilon);
    within("norm gradient", dx, gradient);
    train_rows_norm_sums<<<dim3(up(columns, 256), up(rows, 128)), 256>>>(OF(dy), OF(x), left.data(), sums.data(), rows, columns);
    train_rows_add_sums<<<up(columns, 32), 1024>>>(sums.data(), up(rows, 128), columns, OF(d_weight));
    within("norm weight", d_weight, of_weight);
    CUDA_MUST(cudaDeviceSynchronize());
    checks.within("norm left", 0, 0, left.guards_hold() && sums.guards_hold());
  }

  void bias() {
    const Tensor dy = random(), db = Tensor::random(columns, 1, 0, seed++);
    const std::vector<double> ds = dy.host();
    std::vector<double> wanted = db.host();
    for (size_t i = 0; i < ds.size(); i++) wanted[i % columns] += ds[i];
    bench::Device<float> sums(static_cast<size_t>(up(rows, 128)) * columns);
    train_rows_sums<<<dim3(up(columns, 256), up(rows, 128)), 256>>>(OF(dy), sums.data(), rows, columns);
    train_rows_add_sums<<<up(columns, 32), 1024>>>(sums.data(), up(rows, 128), columns, OF(db));
    within("bias", db, wanted);
  }

  void gate() {
    const Tensor gate_up = random(rows, 2 * columns), dy = random(), y(rows, columns, is_bf16), gradient(rows, 2 * columns, is_bf16);
    const std::vector<double> all = gate_up.host(), ds = dy.host();
    std::vector<double> gated(ds.size()), wanted(all.size());
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        const size_t i = static_cast<size_t>(r) * columns + c, at = 2ull * r * columns + c;
        const double g = all[at], u = all[at + columns], s = 1 / (1 + std::exp(-g));
        gated[i] = g * s * u;
        wanted[at] = ds[i] * u * (s + g * s * (1 - s));
        wanted[at + columns] = ds[i] * g * s;
      }
    }
    const int aligned = columns % 8 == 0;
    train_rows_gate<<<eights(), 256>>>(gate_up.data(), is_bf16, aligned, OF(y), rows, columns);
    within("gate", y, gated);
    train_rows_gate_gradient<<<eights(), 256>>>(gate_up.data(), is_bf16, aligned, OF(dy), gradient.data(), is_bf16, aligned, rows, columns);
    within("gate gradient", gradient, wanted);
  }

  void embedding() {
    const int vocabulary = 7;
    const Tensor table = Tensor::random(vocabulary, columns, 0, seed++), d_table = Tensor::random(vocabulary, columns, 0, seed++);
    const Tensor hidden(rows, columns, is_bf16), d_hidden = random();
    std::vector<int> ids, order, begins, distinct;
    for (int r = 0; r < rows; r++) ids.push_back(r * r % vocabulary);
    for (int id = 0; id < vocabulary; id++) {
      const size_t before = order.size();
      for (int r = 0; r < rows; r++) if (ids[r] == id) order.push_back(r);
      if (order.size() == before) continue;
      begins.push_back(static_cast<int>(before));
      distinct.push_back(id);
    }
    begins.push_back(rows);
    const std::vector<double> of_table = table.host(), ds = d_hidden.host();
    std::vector<double> wanted(ds.size()), gradient = d_table.host();
    for (size_t i = 0; i < ds.size(); i++) {
      const size_t at = static_cast<size_t>(ids[i / columns]) * columns + i % columns;
      wanted[i] = of_table[at];
      gradient[at] += ds[i];
    }
    const bench::Device<int> d_ids(ids), d_order(order), d_begins(begins), d_distinct(distinct);
    train_rows_embed<<<eights(), 256>>>(OF(table), d_ids.data(), OF(hidden), rows, columns);
    within("embed", hidden, wanted);
    const int count = static_cast<int>(distinct.size());
    train_rows_embed_gradient<<<up(static_cast<long long>(count) * up(columns, 8), 256), 256>>>(
        OF(d_hidden), d_order.data(), d_begins.data(), d_distinct.data(), OF(d_table), count, columns);
    within("embed gradient", d_table, gradient);
  }

  void error_relative() {
    const Tensor y = random(), target = random(), losses(rows, 1, 1);
    std::vector<double> wanted = y.host(), of_target = target.host(), sums(rows), squares(rows);
    for (size_t i = 0; i < wanted.size(); i++) {
      wanted[i] -= of_target[i];
      sums[i / columns] += wanted[i] * wanted[i];
      squares[i / columns] += of_target[i] * of_target[i];
    }
    for (size_t i = 0; i < wanted.size(); i++) wanted[i] *= 3 * 0.5 * wanted.size() / columns / squares[i / columns];
    for (int row = 0; row < rows; row++) sums[row] = 1 + 3 * sums[row] / squares[row];
    train_rows_relative_error<<<up(rows, 4), 128>>>(OF(y), OF(target), 3.0f, 0.25f * rows, OF(losses), rows, columns);
    within("relative error", y, wanted);
    within("relative errors", losses, sums);
  }

  void all() {
    whole();
    norm();
    bias();
    gate();
    embedding();
    error_relative();
    LAUNCHED();
  }
};

struct Timer {
  int rows, columns;

  template <typename Body>
  void operator()(const char* what, double numbers, const Body& body) const {
    const double us = bench::median_us(6, body, 15);
    bench::report("train_rows", std::string(what) + " " + std::to_string(rows) + "x" + std::to_string(columns), "bf16", us, 2 * numbers * rows * columns, 0);
  }
};

void time_all(int rows, int columns) {
  const Timer timer{rows, columns};
  std::vector<Tensor> wide, narrow;
  for (int i = 0; i < 6; i++) {
    wide.emplace_back(rows, 2 * columns, 1);
    narrow.emplace_back(rows, columns, 1);
  }
  for (int i = 0; i < 6; i++) {
    CUDA_MUST(cudaMemset(wide[i].data(), 0x3c, wide[i].bytes.size()));
    CUDA_MUST(cudaMemset(narrow[i].data(), 0x3c, narrow[i].bytes.size()));
  }
  const Tensor weight = Tensor::random(1, columns, 0, 1), d_weight = Tensor::random(1, columns, 0, 2);
  bench::Device<float> roots(rows), sums(static_cast<size_t>(up(rows, 128)) * columns);
  const int eights = up(static_cast<long long>(rows) * columns / 8, 256);
  const auto at = [&](int i) -> const Tensor& { return narrow[i % 6]; };
  timer("add", 3, [&](cudaStream_t s, int i) {
    train_rows_combine<<<132 * 8, 256, 0, s>>>(OF(at(i)), OF(at(i + 1)), 1, 1, at(i).count());
  });
  timer("norm", 2, [&](cudaStream_t s, int i) {
    train_rows_norm<<<up(rows, 4), 128, 0, s>>>(OF(at(i)), OF(weight), OF(at(i + 1)), rows, columns, kEpsilon);
  });
  timer("norm gradient", 4, [&](cudaStream_t s, int i) {
    train_rows_norm_gradient<<<up(rows, 4), 128, 0, s>>>(OF(at(i)), OF(weight), OF(at(i + 1)), OF(at(i + 2)), roots.data(), rows, columns, kEpsilon);
  });
  timer("norm weight", 2, [&](cudaStream_t s, int i) {
    train_rows_norm_sums<<<dim3(up(columns, 256), up(rows, 128)), 256, 0, s>>>(OF(at(i)), OF(at(i + 1)), roots.data(), sums.data(), rows, columns);
    train_rows_add_sums<<<up(columns, 32), 1024, 0, s>>>(sums.data(), up(rows, 128), columns, OF(d_weight));
  });
  timer("gate", 3, [&](cudaStream_t s, int i) {
    train_rows_gate<<<eights, 256, 0, s>>>(OF(wide[i % 6]), OF(at(i)), rows, columns);
  });
  timer("gate gradient", 5, [&](cudaStream_t s, int i) {
    train_rows_gate_gradient<<<eights, 256, 0, s>>>(OF(wide[i % 6]), OF(at(i)), OF(wide[(i + 1) % 6]), rows, columns);
  });
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options = bench::Options::parse(argc, argv);
  bench::Checks checks("train_rows");
  if (!options.time_only) {
    for (const auto& [rows, columns] : {std::pair{1, 1}, std::pair{37, 20}, std::pair{131, 576}, std::pair{5, 172}, std::pair{300, 64}, std::pair{9, 4104}}) {
      for (int is_bf16 : {0, 1}) Checker{checks, rows, columns, is_bf16}.all();
    }
  }
  if (!options.check_only) {
    time_all(16384, 576);
    time_all(16384, 1536);
  }
  return checks.exit_code();
}
