// Checks train_float8: casts against the host, to the bit, products against sums in double of the same codes and of the numbers before them;
// and times it at the linear layers of a block of Llama-3.1 8B. Options of bench.cuh.
#include "train_float8.cu"

#include <array>

#include "../gemm_prefill/width.cuh"
#include "bench_data.cuh"

namespace {

std::string shape(int rows, int columns) { return std::to_string(rows) + "x" + std::to_string(columns); }

// ---- casts ----

template <typename T>
void check_cast(bench::Checks& checks, const std::string& label, const Matrix<T>& x) {
  for (Codes codes : {Codes::kE4m3, Codes::kE5m2}) {
    for (Rule rule : {Rule::kTensor, Rule::kRows}) {
      Quantized found(x.rows, x.columns, codes, rule);
      found.make(x, nullptr);
      CUDA_MUST(cudaDeviceSynchronize());
      const HostQuantized expected(x, codes, rule);
      const std::string what = "cast " + label + (std::is_same<T, float>::value ? " fp32 " : " bf16 ") + name(codes) + " " + name(rule);
      checks.same(what + " scales", found.scales.host(), expected.scales, found.guards_hold());
      std::vector<uint8_t> rows = found.by_rows.host(), columns = found.by_columns.host();
      checks.same(what + " by rows", rows, expected.by_rows);
      checks.same(what + " by columns", columns, expected.by_columns);
    }
  }
}

const std::vector<std::array<int, 2>> kShapes = {{1, 16}, {128, 128}, {61, 48}, {200, 272}, {517, 1040}};

template <typename T>
void check_casts(bench::Checks& checks) {
  for (const auto& [rows, columns] : kShapes) {
    check_cast(checks, shape(rows, columns), Matrix<T>(rows, columns, 1));
    check_cast(checks, shape(rows, columns) + " spread", Matrix<T>(rows, columns, 2, true));
  }
  // A row and a column of zeros of both signs, numbers below 1e-12, the largest number.
  std::vector<T> odd(144 * 32);
  for (int r = 0; r < 144; r++) {
    for (int c = 0; c < 32; c++) {
      const float value = r == 3 || c == 5 ? (r % 2 ? -0.0f : 0.0f) : r == 7 ? 1e-14f * static_cast<float>(c) : static_cast<float>(r * 32 + c) - 900;
      odd[r * 32 + c] = static_cast<T>(r == 9 && c == 9 ? 3.3e38f : value);
    }
  }
  check_cast(checks, "zeros and limits", Matrix<T>(144, 32, odd));
}

// Everything computed from an infinite or undefined number is NaN: of its row or column, or of the whole tensor.
void check_not_finite(bench::Checks& checks) {
  for (float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    std::vector<float> numbers(64 * 32, 1.5f);
    numbers[5 * 32 + 3] = -bad;
    const Matrix<float> x(64, 32, numbers);
    for (Rule rule : {Rule::kTensor, Rule::kRows}) {
      Quantized q(64, 32, Codes::kE4m3, rule);
      q.make(x, nullptr);
      CUDA_MUST(cudaDeviceSynchronize());
      const std::vector<uint8_t> codes = q.by_rows.host();
      const std::vector<float> scales = q.scales.host();
      int wrong = 0;
      for (int r = 0; r < 64; r++) {
        const bool is_bad = rule == Rule::kTensor || r == 5;
        const float scale = scales[rule == Rule::kTensor ? 0 : r];
        double sum = 0;
        for (int c = 0; c < 32; c++) sum += numbers::e4m3_to_float(codes[HostQuantized::place(r, c, 32)]) * static_cast<double>(scale);
        wrong += is_bad ? !std::isnan(sum) : std::fabs(sum - 48) > 1e-4;
      }
      checks.within(std::string("not finite ") + name(rule), wrong, 0, q.guards_hold());
    }
  }
}

// ---- products ----

struct Layer {
  int tokens, n, k;
  std::string label() const { return std::to_string(tokens) + "x" + std::to_string(n) + "x" + std::to_string(k); }
};

double decode(uint8_t code, Codes codes) { return codes == Codes::kE4m3 ? numbers::e4m3_to_float(code) : numbers::e5m2_to_float(code); }

// Numbers of an operand as its codes and scales say, [rows][depth].
struct Decoded {
  std::vector<double> numbers;
  int depth;
  Decoded(const Quantized& q, bool by_columns) : depth(by_columns ? q.rows : q.columns) {
    const int rows = by_columns ? q.columns : q.rows;
    const std::vector<uint8_t> codes = (by_columns ? q.by_columns : q.by_rows).host();
    const std::vector<float> scales = q.scales.host();
    for (int r = 0; r < rows; r++) {
      const double scale = scales[q.rule == Rule::kTensor ? 0 : (by_columns ? q.rows : 0) + r];
      for (int d = 0; d < depth; d++) numbers.push_back(decode(codes[HostQuantized::place(r, d, depth)], q.codes) * scale);
    }
  }
};

// The numbers before they were codes, the same way round.
template <typename T>
std::vector<double> plain(const Matrix<T>& x, bool by_columns) {
  const std::vector<T> all = x.data.host();
  std::vector<double> numbers;
  for (size_t i = 0; i < all.size(); i++) {
    const size_t at = by_columns ? i % x.rows * x.columns + i / x.rows : i;
    numbers.push_back(static_cast<float>(all[at]));
  }
  return numbers;
}

std::vector<double> sums(const std::vector<double>& a, const std::vector<double>& b, int depth, double offset) {
  const size_t m = a.size() / depth, n = b.size() / depth;
  std::vector<double> all;
  for (size_t i = 0; i < m; i++) {
    for (size_t j = 0; j < n; j++) {
      double sum = 0;
      for (int d = 0; d < depth; d++) sum += a[i * depth + d] * b[j * depth + d];
      all.push_back(sum + offset);
    }
  }
  return all;
}

template <typename T>
std::vector<double> doubles(const bench::Device<T>& from) {
  std::vector<double> all;
  for (T x : from.host()) all.push_back(static_cast<float>(x));
  return all;
}

// A product against the sum of the same codes (the tensor core keeps some 14 bits over 512 of the depth) and against that of the numbers:
// a code is off by 2^-4 of a number at most in e4m3, by 2^-3 in e5m2, and by 0.42 of that in the root of the mean of squares, where scales
// do not push numbers below the normal ones.
struct Compared {
  bench::Checks& checks;
  std::string what;
  std::vector<double> of_codes, of_numbers;
  double far;

  template <typename T>
  void operator()(const std::string& how, const bench::Device<T>& y) const {
    const double rounding = std::is_same<T, float>::value ? 0 : 2e-3;
    checks.within(what + " " + how, bench::relative_error(doubles(y), of_codes), 1e-3 + rounding, y.guards_hold());
    // Of few numbers it scatters.
    const double scatter = of_numbers.size() < 1000 ? 2 : 1;
    checks.within(what + " " + how + ", before codes", bench::relative_error(doubles(y), of_numbers), scatter * far);
  }
};

void check_layer(bench::Checks& checks, const Layer& l, Rule rule) {
  const Matrix<Bf16> x(l.tokens, l.k, 1), dy(l.tokens, l.n, 3);
  const Matrix<float> w(l.n, l.k, 2);
  Quantized qx(l.tokens, l.k, Codes::kE4m3, rule), qw(l.n, l.k, Codes::kE4m3, rule), qd(l.tokens, l.n, Codes::kE5m2, rule);
  qx.make(x, nullptr);
  qw.make(w, nullptr);
  qd.make(dy, nullptr);
  const std::string label = l.label() + " " + name(rule);
  {
    const Compared compared{checks, "product " + label, sums(Decoded(qx, false).numbers, Decoded(qw, false).numbers, l.k, 0),
                            sums(plain(x, false), plain(w, false), l.k, 0), 0.05};
    bench::Device<Bf16> y(static_cast<size_t>(l.tokens) * l.n);
    multiply(Kind::kProduct, 192, of_rows(qx), of_rows(qw), qx.stride(), y.data(), 0, nullptr);
    compared("bf16", y);
  }
  {
    const Compared compared{checks, "input " + label, sums(Decoded(qd, false).numbers, Decoded(qw, true).numbers, l.n, 0),
                            sums(plain(dy, false), plain(w, true), l.n, 0), 0.09};
    bench::Device<float> wide(static_cast<size_t>(l.tokens) * l.k), narrow(wide.size());
    bench::Device<Bf16> rounded(wide.size());
    multiply(Kind::kInput, 192, of_rows(qd), of_columns(qw), qd.stride(), wide.data(), 2, nullptr);
    multiply(Kind::kInput, 128, of_rows(qd), of_columns(qw), qd.stride(), narrow.data(), 2, nullptr);
    multiply(Kind::kInput, 192, of_rows(qd), of_columns(qw), qd.stride(), rounded.data(), 0, nullptr);
    compared("fp32", wide);
    compared("bf16", rounded);
    checks.same("input " + label + " n128", narrow.host(), wide.host(), narrow.guards_hold());
  }
  constexpr float kBefore = 0.75f;
  const Compared compared{checks, "weight " + label, sums(Decoded(qd, true).numbers, Decoded(qx, true).numbers, l.tokens, kBefore),
                          sums(plain(dy, true), plain(x, true), l.tokens, kBefore), 0.09};
  const std::vector<float> before(static_cast<size_t>(l.n) * l.k, kBefore);
  bench::Device<float> wide(before), narrow(before);
  multiply(Kind::kWeight, 192, of_columns(qd), of_columns(qx), qd.stride(), wide.data(), 2, nullptr);
  multiply(Kind::kWeight, 128, of_columns(qd), of_columns(qx), qd.stride(), narrow.data(), 2, nullptr);
  compared("added", wide);
  checks.same("weight " + label + " n128", narrow.host(), wide.host(), narrow.guards_hold());
}

// ---- times ----

// A layer's parts, each alone.
struct Timed {
  Layer l;
  Rule rule;
  Matrix<Bf16> x, dy;
  Matrix<float> w;
  Quantized qx, qw, qd;
  bench::Device<Bf16> y, dx;
  bench::Device<float> dw;
  double total = 0;

  Timed(const Layer& layer, Rule r)
      : l(layer), rule(r), x(l.tokens, l.k, 1), dy(l.tokens, l.n, 3), w(l.n, l.k, 2), qx(l.tokens, l.k, Codes::kE4m3, r),
        qw(l.n, l.k, Codes::kE4m3, r), qd(l.tokens, l.n, Codes::kE5m2, r), y(dy.data.size()), dx(x.data.size()), dw(w.data.size()) {
    CUDA_MUST(cudaMemset(dw.data(), 0, dw.bytes()));
  }

  template <typename Body>
  void part(const std::string& what, double bytes, double operations, const Body& body) {
    const double us = bench::median_us(3, [&](cudaStream_t stream, int) { body(stream); }, 7);
    bench::report("train_float8", l.label(), what + " " + name(rule), us, bytes, operations);
    total += us;
  }

  template <typename T>
  void casts(const std::string& what, Quantized& q, const Matrix<T>& from) {
    const double size = static_cast<double>(from.data.size());
    part("amax of " + what, sizeof(T) * size, 0, [&](cudaStream_t stream) { q.find_amax(from, stream); });
    part("cast of " + what, (sizeof(T) + 2.0) * size, 0, [&](cudaStream_t stream) { q.cast(from, stream); });
  }

  void product(const std::string& what, Kind kind, const Operand& a, const Operand& b, void* to, int type) {
    const double sizes = static_cast<double>(a.rows) * b.rows, operations = 2.0 * sizes * a.depth;
    const int width = columns_of(kind, a.rows, b.rows);
    part(what + " n" + std::to_string(width), sizes * (kind == Kind::kWeight ? 8 : 2) + static_cast<double>(a.depth) * (a.rows + b.rows), operations,
         [&](cudaStream_t stream) { multiply(kind, width, a, b, qd.stride(), to, type, stream); });
  }

  double run() {
    casts("x", qx, x);
    casts("W", qw, w);
    casts("dy", qd, dy);
    product("y", Kind::kProduct, of_rows(qx), of_rows(qw), y.data(), 0);
    product("dx", Kind::kInput, of_rows(qd), of_columns(qw), dx.data(), 0);
    product("dw", Kind::kWeight, of_columns(qd), of_columns(qx), dw.data(), 2);
    const double operations = 6.0 * l.tokens * l.n * l.k;
    bench::report("train_float8", l.label(), std::string("all ") + name(rule), total, 0, operations);
    return total;
  }
};

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options = bench::Options::parse(argc, argv);
  bench::Checks checks("train_float8");
  if (!options.time_only) {
    check_casts<Bf16>(checks);
    check_casts<float>(checks);
    check_not_finite(checks);
    std::vector<Layer> layers = {{1, 16, 16}, {61, 48, 80}, {300, 208, 144}};
    if (!options.quick) {
      layers.push_back({520, 400, 656});
      layers.push_back({1100, 144, 272});
    }
    for (const Layer& layer : layers) {
      for (Rule rule : {Rule::kTensor, Rule::kRows}) check_layer(checks, layer, rule);
    }
  }
  if (!options.check_only) {
    for (int tokens : {16384, 8192}) {
      if (options.quick && tokens == 8192) continue;
      for (Rule rule : {Rule::kTensor, Rule::kRows}) {
        double total = 0;
        for (const auto& [n, k] : {std::array{6144, 4096}, std::array{4096, 4096}, std::array{28672, 4096}, std::array{4096, 14336}}) {
          total += Timed({tokens, n, k}, rule).run();
        }
        bench::report("train_float8", "block of Llama-3.1 8B, " + std::to_string(tokens) + " tokens", std::string("all ") + name(rule), total, 0,
                      6.0 * tokens * 218.1e6);
      }
    }
  }
  return checks.exit_code();
}
