// Checks and times gemm_fp32: bits against a chain of fused multiply-adds on the CPU, values against double.
#include "gemm_fp32.cu"

#include "bench.cuh"

namespace {

struct Shape {
  int m, n, k;
  std::string label() const { return std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k); }
};

void launch(float* y, const float* x, const float* w, const float* bias, const Shape& s, cudaStream_t stream) {
  const dim3 grid((s.n + gemm_fp32::kTile - 1) / gemm_fp32::kTile, (s.m + gemm_fp32::kTile - 1) / gemm_fp32::kTile);
  gemm_fp32_fma<<<grid, gemm_fp32::kThreads, 0, stream>>>(y, x, w, bias, s.m, s.n, s.k);
  LAUNCHED();
}

void launch_wide(float* y, const float* x, const float* w, const float* bias, const Shape& s, cudaStream_t stream) {
  const dim3 grid((s.n + gemm_fp32::kWideTile - 1) / gemm_fp32::kWideTile, (s.m + gemm_fp32::kWideTile - 1) / gemm_fp32::kWideTile);
  gemm_fp32_wide<<<grid, gemm_fp32::kWideThreads, 0, stream>>>(y, x, w, bias, s.m, s.n, s.k);
  LAUNCHED();
}

std::vector<float> random_floats(size_t count, uint64_t seed) {
  bench::Random random(seed);
  std::vector<float> values(count);
  for (float& value : values) value = random.normal();
  return values;
}

// The outputs of the first m rows, and whether the guards hold.
std::vector<float> outputs(const bench::Device<float>& x, const bench::Device<float>& w, const float* bias, Shape s, int m,
                           bool& guards) {
  s.m = m;
  bench::Device<float> y(static_cast<size_t>(m) * s.n);
  launch(y.data(), x.data(), w.data(), bias, s, nullptr);
  CUDA_MUST(cudaDeviceSynchronize());
  guards = guards && y.guards_hold() && x.guards_hold() && w.guards_hold();
  return y.host();
}

void check(bench::Checks& checks, const Shape& s, bool biased) {
  std::vector<float> x = random_floats(static_cast<size_t>(s.m) * s.k, 11), w = random_floats(static_cast<size_t>(s.n) * s.k, 12);
  x[0] = -0.0f;
  w[s.k - 1] = 1e-40f;   // subnormal
  const std::vector<float> bias = random_floats(s.n, 13);
  std::vector<float> chain;
  std::vector<double> expected, actual;
  for (int row = 0; row < s.m; row++) {
    for (int column = 0; column < s.n; column++) {
      float sum = 0;
      double exact = 0;
      for (int i = 0; i < s.k; i++) {
        const float a = x[static_cast<size_t>(row) * s.k + i], b = w[static_cast<size_t>(column) * s.k + i];
        sum = std::fma(a, b, sum);
        exact += static_cast<double>(a) * b;
      }
      chain.push_back(biased ? sum + bias[column] : sum);
      expected.push_back(biased ? exact + bias[column] : exact);
    }
  }
  const bench::Device<float> x_device(x), w_device(w), bias_device(bias);
  const float* bias_at = biased ? bias_device.data() : nullptr;
  bool guards = true;
  const std::string label = s.label() + (biased ? "_bias" : "");
  const std::vector<float> y = outputs(x_device, w_device, bias_at, s, s.m, guards);
  actual.assign(y.begin(), y.end());
  checks.same(label + "_chain", y, chain, guards);
  checks.within(label, bench::relative_error(actual, expected), 2e-6, guards);
  if (s.k % 4 == 0) {
    bench::Device<float> wide(y.size());
    launch_wide(wide.data(), x_device.data(), w_device.data(), bias_at, s, nullptr);
    CUDA_MUST(cudaDeviceSynchronize());
    checks.same(label + "_wide", wide.host(), chain, wide.guards_hold());
  }
  checks.same(label + "_again", outputs(x_device, w_device, bias_at, s, s.m, guards), y, guards);
  for (int m : {1, 7, 64, 65}) {
    if (m >= s.m) continue;
    const std::vector<float> part = outputs(x_device, w_device, bias_at, s, m, guards);
    checks.same(label + "_first_" + std::to_string(m), part, std::vector<float>(y.begin(), y.begin() + part.size()), guards);
  }
}

void time_one(const Shape& s) {
  const bench::Device<float> x(random_floats(static_cast<size_t>(s.m) * s.k, 1)), w(random_floats(static_cast<size_t>(s.n) * s.k, 2));
  bench::Device<float> y(static_cast<size_t>(s.m) * s.n);
  const double us = bench::median_us(4, [&](cudaStream_t stream, int) { launch(y.data(), x.data(), w.data(), nullptr, s, stream); });
  bench::report("gemm_fp32", s.label(), "64x64", us, 4.0 * (static_cast<double>(s.m) * s.k + static_cast<double>(s.n) * s.k +
                                                            static_cast<double>(s.m) * s.n), 2.0 * s.m * s.n * s.k);
  const double wide_us =
      bench::median_us(4, [&](cudaStream_t stream, int) { launch_wide(y.data(), x.data(), w.data(), nullptr, s, stream); });
  bench::report("gemm_fp32", s.label(), "128x128", wide_us, 4.0 * (static_cast<double>(s.m) * s.k + static_cast<double>(s.n) * s.k +
                                                                  static_cast<double>(s.m) * s.n), 2.0 * s.m * s.n * s.k);
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options = bench::Options::parse(argc, argv);
  bench::Checks checks("gemm_fp32");
  for (const Shape& s : {Shape{1, 1, 1}, Shape{1, 64, 16}, Shape{3, 5, 7}, Shape{65, 63, 33}, Shape{64, 64, 64}, Shape{130, 67, 1000},
                         Shape{17, 129, 4097}}) {
    if (options.time_only || (options.smallest && s.m != 65)) continue;
    for (bool biased : {false, true}) check(checks, s, biased);
  }
  if (!options.check_only && checks.exit_code() == 0) {
    for (const Shape& s : {Shape{128, 4096, 4096}, Shape{2048, 4096, 4096}}) time_one(s);
  }
  return checks.exit_code();
}
