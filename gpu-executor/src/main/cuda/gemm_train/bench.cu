// Checks gemm_train against sums in double, and times it at the shapes of SmolLM2-135M. Options of bench.cuh.
#include "gemm_train.cu"

#include <array>

#include "bench_data.cuh"

namespace {

// Of one more place for some operands: what the numbers of row r, depth d are.
enum class Layout { kProduct, kInput, kWeight };

struct Case {
  Layout layout;
  int m, n, depth;

  std::string label() const {
    const char* names[] = {"product", "input", "weight"};
    return std::string(names[static_cast<int>(layout)]) + " " + std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(depth);
  }
  bool wide_a() const { return layout == Layout::kWeight; }
  bool wide_b() const { return layout != Layout::kProduct; }
  Matrix a(uint64_t seed) const { return wide_a() ? Matrix(depth, m, seed) : Matrix(m, depth, seed); }
  Matrix b(uint64_t seed) const { return wide_b() ? Matrix(depth, n, seed) : Matrix(n, depth, seed); }
};

struct Host {
  std::vector<Bf16> numbers;
  int columns;
  bool wide;
  explicit Host(const Matrix& from, bool w) : numbers(from.data.host()), columns(from.columns), wide(w) {}
  double at(size_t row, size_t depth) const { return __bfloat162float(wide ? numbers[depth * columns + row] : numbers[row * columns + depth]); }
};

// Places that are compared: all, or some of a large result.
std::vector<size_t> places(const Case& c) {
  const size_t count = static_cast<size_t>(c.m) * c.n;
  std::vector<size_t> all;
  if (count <= 200'000 && static_cast<double>(count) * c.depth < 4e7) {
    for (size_t i = 0; i < count; i++) all.push_back(i);
  } else {
    bench::Random random(count);
    for (int i = 0; i < 600; i++) all.push_back(random.bits() % count);
    for (int i = 0; i < 60; i++) all.push_back(count - 1 - i);
  }
  return all;
}

std::vector<double> expected(const Case& c, const Matrix& a, const Matrix& b, const std::vector<size_t>& at) {
  const Host left(a, c.wide_a()), right(b, c.wide_b());
  std::vector<double> sums;
  for (size_t i : at) {
    double sum = 0;
    for (int d = 0; d < c.depth; d++) sum += left.at(i / c.n, d) * right.at(i % c.n, d);
    sums.push_back(sum);
  }
  return sums;
}

template <typename T>
std::vector<double> pick(const bench::Device<T>& from, const std::vector<size_t>& at) {
  const std::vector<T> all = from.host();
  std::vector<double> some;
  for (size_t i : at) some.push_back(static_cast<double>(static_cast<float>(all[i])));
  return some;
}

void run_rows(const Case& c, const Product& p, void* y, const float* bias, Result result, cudaStream_t stream) {
  if (c.layout == Layout::kProduct) run<GemmTrain_product>(gemm_train_product, p, y, bias, result, stream);
  else if (c.layout == Layout::kInput) run<GemmTrain_input>(gemm_train_input, p, y, bias, result, stream);
  else run<GemmTrain_weight>(gemm_train_weight, p, y, bias, result, stream);
}

// The tensor core cuts off low bits of its sums: an error that grows with the depth.
double bound(const Case& c) { return 5e-6 + 2e-9 * c.depth; }

// A bias, or what a weight's gradient is added to: numbers by column alone.
double offset(size_t column) { return 0.25 * static_cast<double>(column % 7); }

void check_weight(bench::Checks& checks, const Case& c, const Product& p, const std::vector<size_t>& at, std::vector<double> sums) {
  const size_t count = static_cast<size_t>(c.m) * c.n;
  std::vector<float> before(count);
  for (size_t i = 0; i < count; i++) before[i] = static_cast<float>(offset(i % c.n));
  for (size_t i = 0; i < at.size(); i++) sums[i] += offset(at[i] % c.n);
  bench::Device<float> whole(before), parted(before), again(before), parts(part_numbers(p));
  run_rows(c, p, whole.data(), nullptr, Result::kAdd, nullptr);
  run_parts(p, parts.data(), parted.data(), nullptr);
  CUDA_MUST(cudaDeviceSynchronize());
  parts.poison();
  run_parts(p, parts.data(), again.data(), nullptr);
  CUDA_MUST(cudaDeviceSynchronize());
  checks.within(c.label() + " whole", bench::relative_error(pick(whole, at), sums), bound(c), whole.guards_hold());
  checks.within(c.label() + " parts", bench::relative_error(pick(parted, at), sums), bound(c), parted.guards_hold() && parts.guards_hold());
  checks.same(c.label() + " parts again", again.host(), parted.host());
}

void check_rows(bench::Checks& checks, const Case& c, const Product& p, const std::vector<size_t>& at, const std::vector<double>& sums) {
  const size_t count = static_cast<size_t>(c.m) * c.n;
  std::vector<float> bias(c.n);
  for (int i = 0; i < c.n; i++) bias[i] = static_cast<float>(offset(i));
  std::vector<double> biased = sums;
  for (size_t i = 0; i < at.size(); i++) biased[i] += offset(at[i] % c.n);
  bench::Device<float> y(count), columns(bias);
  bench::Device<Bf16> rounded(count);
  run_rows(c, p, y.data(), nullptr, Result::kFp32, nullptr);
  run_rows(c, p, rounded.data(), columns.data(), Result::kBf16, nullptr);
  CUDA_MUST(cudaDeviceSynchronize());
  checks.within(c.label() + " fp32", bench::relative_error(pick(y, at), sums), bound(c), y.guards_hold());
  checks.within(c.label() + " bf16", bench::relative_error(pick(rounded, at), biased), 2.5e-3, rounded.guards_hold());
}

void check_any(bench::Checks& checks, const Case& c, const Product& p, const std::vector<size_t>& at, const std::vector<double>& sums) {
  bench::Device<float> y(static_cast<size_t>(c.m) * c.n);
  const dim3 grid((c.n + 63) / 64, (c.m + 63) / 64);
  gemm_train_any<<<grid, gemm_train::kAnyThreads>>>(p.a->data.data(), 1, !c.wide_a(), p.b->data.data(), 1, !c.wide_b(), nullptr, y.data(), 0, 0,
                                                    c.m, c.n, c.depth);
  LAUNCHED();
  CUDA_MUST(cudaDeviceSynchronize());
  checks.within(c.label() + " any", bench::relative_error(pick(y, at), sums), 1e-5, y.guards_hold());
}

void check(bench::Checks& checks, const Case& c) {
  const Matrix a = c.a(1), b = c.b(2);
  const Product p{&a, &b, c.m, c.n, c.depth};
  const std::vector<size_t> at = places(c);
  const std::vector<double> sums = expected(c, a, b, at);
  check_any(checks, c, p, at, sums);
  if (c.m % 8 != 0 && c.wide_a()) return;
  if (c.n % 8 != 0 || (c.depth % 8 != 0 && !c.wide_b())) return;
  if (c.layout == Layout::kWeight) check_weight(checks, c, p, at, sums);
  else check_rows(checks, c, p, at, sums);
}

constexpr int kSets = 3;   // of operands and results, taken in turn

struct Timed {
  Case c;
  std::vector<Matrix> a, b;
  explicit Timed(const Case& of) : c(of) {
    for (int i = 0; i < kSets; i++) {
      a.push_back(c.a(i));
      b.push_back(c.b(10 + i));
    }
  }
  Product product(int i) const { return {&a[i % kSets], &b[i % kSets], c.m, c.n, c.depth}; }
  void report(const std::string& configuration, double us, double y_bytes) const {
    const double bytes = 2.0 * (static_cast<double>(c.m) * c.depth + static_cast<double>(c.n) * c.depth) + y_bytes * c.m * c.n;
    bench::report("gemm_train", c.label(), configuration, us, bytes, product(0).operations());
  }
};

void time_rows(const Case& c) {
  const Timed timed(c);
  std::vector<bench::Device<Bf16>> y;
  for (int i = 0; i < kSets; i++) y.emplace_back(static_cast<size_t>(c.m) * c.n);
  const double us = bench::median_us(
      6, [&](cudaStream_t stream, int i) { run_rows(c, timed.product(i), y[i % kSets].data(), nullptr, Result::kBf16, stream); }, 15);
  timed.report("128x192, clusters of 2", us, 2);
}

void time_weight(const Case& c) {
  const Timed timed(c);
  std::vector<bench::Device<float>> y;
  for (int i = 0; i < kSets; i++) y.emplace_back(static_cast<size_t>(c.m) * c.n);
  if (tiles<GemmTrain_weight>(timed.product(0)) < 3 * multiprocessors()) {
    bench::Device<float> parts(part_numbers(timed.product(0)));
    const auto body = [&](cudaStream_t stream, int i) { run_parts(timed.product(i), parts.data(), y[i % kSets].data(), stream); };
    timed.report("parts", bench::median_us(6, body, 15), 8);
  }
  const auto body = [&](cudaStream_t stream, int i) { run_rows(c, timed.product(i), y[i % kSets].data(), nullptr, Result::kAdd, stream); };
  timed.report("whole", bench::median_us(6, body, 15), 8);
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options = bench::Options::parse(argc, argv);
  bench::Checks checks("gemm_train");
  std::vector<Case> small;
  for (Layout layout : {Layout::kProduct, Layout::kInput, Layout::kWeight}) {
    for (const auto& [m, n, depth] : {std::array{1, 8, 8}, std::array{128, 192, 64}, std::array{200, 200, 72}, std::array{520, 136, 344},
                                      std::array{72, 968, 1000}, std::array{61, 43, 37}, std::array{300, 1160, 136}}) {
      small.push_back({layout, m, n, depth});
    }
  }
  std::vector<Case> large;
  for (const auto& [n, k] : {std::array{960, 576}, std::array{576, 576}, std::array{3072, 576}, std::array{576, 1536}}) {
    large.push_back({Layout::kProduct, 16384, n, k});
    large.push_back({Layout::kInput, 16384, k, n});
    large.push_back({Layout::kWeight, n, k, 16384});
  }
  large.push_back({Layout::kProduct, 4096, 49152, 576});
  large.push_back({Layout::kInput, 4096, 576, 49152});
  large.push_back({Layout::kWeight, 49152, 576, 4096});
  if (!options.time_only) {
    for (const Case& c : small) {
      if (options.wants(c.label())) check(checks, c);
    }
    for (const Case& c : large) {
      if (!options.quick && options.wants(c.label())) check(checks, c);
    }
  }
  if (!options.check_only) {
    for (const Case& c : large) {
      if (!options.wants(c.label())) continue;
      if (c.layout == Layout::kWeight) time_weight(c);
      else time_rows(c);
    }
  }
  return checks.exit_code();
}
