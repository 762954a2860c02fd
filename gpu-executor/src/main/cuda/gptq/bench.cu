// Checks and times gptq: bits against plain loops on the host at small sizes, identities of the factor at large ones.
#include "gptq.cu"

#include "bench_launch.cuh"
#include "bench_reference.cuh"

namespace {

using namespace gptq_bench;

// X [rows, k], a value in each element that depends on its place alone.
__global__ void random_inputs(float* x, long long count, unsigned seed) {
  for (long long i = blockIdx.x * 256ll + threadIdx.x; i < count; i += 256ll * gridDim.x) {
    float sum = 0;
    for (int r = 0; r < 3; r++) {
      unsigned long long z = (i * 3 + r + seed * 0x100000000ull) * 0x9E3779B97F4A7C15ull + 0xBF58476D1CE4E5B9ull;
      z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
      z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
      sum += static_cast<float>((z ^ (z >> 31)) >> 40) * 0x1p-24f - 0.5f;
    }
    x[i] = sum;
  }
}

// H = X^T X, both triangles' tiles of the upper one.
__global__ void __launch_bounds__(outer::kThreads, 2) second_moments(float* h, const float* x, int rows, int k) {
  __shared__ outer::Shared shared;
  int tile_row, tile_column;
  outer::upper_tile(static_cast<int>(blockIdx.x), tile_row, tile_column);
  const int row = tile_row * outer::kTile, column = tile_column * outer::kTile;
  float sums[8][8] = {};
  outer::add<false, false>({x + row, k, k - row}, {x + column, k, k - column}, rows, sums, shared);
  outer::store(h + static_cast<long long>(row) * k + column, k, k - row, k - column, sums);
}

bench::Device<float> moments(int rows, int k, unsigned seed) {
  bench::Device<float> x(static_cast<size_t>(rows) * k), h(static_cast<size_t>(k) * k);
  random_inputs<<<1024, 256>>>(x.data(), static_cast<long long>(rows) * k, seed);
  LAUNCHED();
  const int side = tiles(k, outer::kTile);
  second_moments<<<side * (side + 1) / 2, outer::kThreads>>>(h.data(), x.data(), rows, k);
  LAUNCHED();
  CUDA_MUST(cudaDeviceSynchronize());
  return h;
}

std::vector<int> random_order(int k, uint64_t seed) {
  bench::Random random(seed);
  std::vector<int> order(k);
  for (int i = 0; i < k; i++) order[i] = i;
  for (int i = k - 1; i > 0; i--) std::swap(order[i], order[random.bits() % (i + 1)]);
  return order;
}

// Damped diagonal by place.
std::vector<float> damped(const std::vector<float>& h, const std::vector<int>& order, int k) {
  double mean = 0;
  for (int i = 0; i < k; i++) mean += h[static_cast<size_t>(i) * k + i];
  std::vector<float> diagonal(k);
  for (int i = 0; i < k; i++) diagonal[i] = h[static_cast<size_t>(order[i]) * k + order[i]] + static_cast<float>(0.01 * mean / k);
  return diagonal;
}

// A factor on the device.
struct Factor {
  int k, stride;
  bench::Device<float> a, diagonal_of_v;
  bench::Device<int> failed;

  explicit Factor(int k)
      : k(k), stride(up(k, 16)), a(static_cast<size_t>(stride) * stride), diagonal_of_v(stride), failed(std::vector<int>(1)) {}
};

void check_factor(bench::Checks& checks, int k) {
  const bench::Device<float> h = moments(2 * k, k, k);
  const std::vector<float> moments_on_host = h.host();
  const std::vector<int> order = random_order(k, 5);
  const std::vector<float> diagonal = damped(moments_on_host, order, k);
  const bench::Device<int> order_on_device(order);
  const bench::Device<float> diagonal_on_device(diagonal);
  Factor factor(k);
  const int n = factor.stride;
  const std::string label = "factor_" + std::to_string(k);
  arrange(factor.a.data(), h.data(), order_on_device.data(), diagonal_on_device.data(), k, n, nullptr);
  CUDA_MUST(cudaDeviceSynchronize());
  std::vector<float> expected(static_cast<size_t>(n) * n);
  for (int x = 0; x < n; x++) {
    for (int y = x; y < n; y++) {
      const int j = n - 1 - x, i = n - 1 - y;
      const int one = i < k ? order[i] : 0, other = j < k ? order[j] : 0;
      expected[static_cast<size_t>(x) * n + y] =
          i == j ? (j < k ? diagonal[j] : 1.0f) : j < k ? moments_on_host[static_cast<size_t>(std::min(one, other)) * k + std::max(one, other)] : 0.0f;
    }
  }
  checks.same(label + "_arranged", factor.a.host(), expected, factor.a.guards_hold());
  factorize(factor.a.data(), factor.diagonal_of_v.data(), n, factor.failed.data(), nullptr);
  CUDA_MUST(cudaDeviceSynchronize());
  checks.same(label + "_positive", factor.failed.host(), std::vector<int>{reference_factor(expected, n) ? 0 : 1});
  invert(factor.a.data(), factor.diagonal_of_v.data(), n, nullptr);
  CUDA_MUST(cudaDeviceSynchronize());
  std::vector<float> u = factor.a.host();
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < i; j++) u[static_cast<size_t>(i) * n + j] = 0;
  }
  checks.same(label + "_bits", u, reference_inverse(expected, n), factor.a.guards_hold() && factor.diagonal_of_v.guards_hold());
}

void check_failure(bench::Checks& checks) {
  const int k = 272;
  std::vector<float> a(static_cast<size_t>(k) * k);
  for (int i = 0; i < k; i++) a[static_cast<size_t>(i) * k + i] = i == 200 ? -1.0f : 1.0f;
  const bench::Device<float> on_device(a);
  bench::Device<int> failed(std::vector<int>(1));
  bench::Device<float> roots(k);
  factorize(on_device.data(), roots.data(), k, failed.data(), nullptr);
  CUDA_MUST(cudaDeviceSynchronize());
  checks.same("not_positive", failed.host(), std::vector<int>{1}, on_device.guards_hold() && roots.guards_hold());
}

std::vector<double> product(const std::vector<float>& a, int n, const std::vector<double>& x, bool transposed) {
  std::vector<double> y(n);
  for (int i = 0; i < n; i++) {
    double sum = 0;
    for (int j = i; j < n; j++) {
      const double value = a[static_cast<size_t>(i) * n + j];
      if (transposed) y[j] += value * x[i];
      else sum += value * x[j];
    }
    if (!transposed) y[i] = sum;
  }
  return y;
}

std::vector<double> symmetric(const std::vector<float>& a, int n, const std::vector<double>& x) {
  std::vector<double> y = product(a, n, x, false);
  const std::vector<double> below = product(a, n, x, true);
  for (int i = 0; i < n; i++) y[i] += below[i] - static_cast<double>(a[static_cast<size_t>(i) * n + i]) * x[i];
  return y;
}

// U^T U H x = x and V^T V A x' = ... at sizes that plain loops cannot do: by a random vector. Errors of fp32 grow with the condition of H.
void check_identities(bench::Checks& checks, int k) {
  const bench::Device<float> h = moments(k / 2, k, 7);
  std::vector<float> on_host = h.host();
  const std::vector<int> order = random_order(k, 5);
  const std::vector<float> diagonal = damped(on_host, order, k);
  Factor factor(k);
  {
    const bench::Device<int> order_on_device(order);
    const bench::Device<float> diagonal_on_device(diagonal);
    arrange(factor.a.data(), h.data(), order_on_device.data(), diagonal_on_device.data(), k, factor.stride, nullptr);
    CUDA_MUST(cudaDeviceSynchronize());
  }
  const std::vector<float> a = factor.a.host();
  factorize(factor.a.data(), factor.diagonal_of_v.data(), factor.stride, factor.failed.data(), nullptr);
  CUDA_MUST(cudaDeviceSynchronize());
  checks.same("positive_" + std::to_string(k), factor.failed.host(), std::vector<int>(1));
  bench::Random random(3);
  std::vector<double> x(k);
  for (double& value : x) value = random.normal();
  {
    const std::vector<float> v = factor.a.host();
    checks.within("v_" + std::to_string(k), bench::relative_error(product(v, k, product(v, k, x, false), true), symmetric(a, k, x)), 1e-5,
                  factor.a.guards_hold());
  }
  invert(factor.a.data(), factor.diagonal_of_v.data(), factor.stride, nullptr);
  CUDA_MUST(cudaDeviceSynchronize());
  const std::vector<float> u = factor.a.host();
  // U belongs to the order of places, a to the reversed one.
  std::vector<double> y = symmetric(a, k, x);
  std::reverse(y.begin(), y.end());
  std::vector<double> again = product(u, k, product(u, k, y, false), true);
  std::reverse(again.begin(), again.end());
  checks.within("u_" + std::to_string(k), bench::relative_error(again, x), 1e-3, factor.a.guards_hold());
}

struct Case {
  const char* label;
  int rows, k, group, codes, type;
  float smallest, largest, below, above, step;
  bool zero_points, factored;
};

void check_weight(bench::Checks& checks, const Case& c) {
  const int stride = up(c.k, 16), groups = tiles(c.k, c.group);
  std::vector<float> a(static_cast<size_t>(stride) * stride);
  const std::vector<float> h = moments(2 * c.k, up(c.k, 4), 9).host();
  for (int i = 0; i < stride; i++) {
    for (int j = i; j < stride; j++) {
      a[static_cast<size_t>(i) * stride + j] = j >= c.k ? (i == j ? 1.0f : 0.0f) : h[static_cast<size_t>(i) * up(c.k, 4) + j] + (i == j ? 0.3f : 0.0f);
    }
  }
  reference_factor(a, stride);
  const std::vector<float> u = reference_inverse(a, stride);
  bench::Random random(21);
  std::vector<float> weights(static_cast<size_t>(c.rows) * c.k);
  for (float& value : weights) value = round_to(0.05f * random.normal(), c.type);
  std::vector<unsigned char> stored(weights.size() * (c.type == 2 ? 4 : 2));
  for (size_t i = 0; i < weights.size(); i++) {
    const uint16_t half = c.type == 0 ? numbers::float_to_bf16(weights[i]) : numbers::float_to_fp16(weights[i]);
    if (c.type == 2) std::memcpy(&stored[4 * i], &weights[i], 4);
    else std::memcpy(&stored[2 * i], &half, 2);
  }
  const std::vector<int> order = random_order(c.k, 6);
  Weight w(c.rows, c.k, groups, c.type, stored, order);
  const gptq::Rule rule{c.codes, c.type, c.smallest, c.largest, c.below, c.above};
  std::vector<float> scales[3];
  for (int s = 0; s < 3; s++) {
    scales[s].resize(static_cast<size_t>(groups) * w.pitch, s < 2 ? 1.0f : 0.0f);
    for (int g = 0; g < groups; g++) {
      for (int row = 0; row < c.rows; row++) {
        float& at = scales[s][static_cast<size_t>(g) * w.pitch + row];
        if (s == 0) at = round_to(c.step * static_cast<float>(0.5 + random.uniform()), c.type);
        if (s == 1) at = scales[0][static_cast<size_t>(g) * w.pitch + row];
        if (s == 2 && c.zero_points) at = static_cast<float>(static_cast<int>(random.bits() % 5) - 2);
      }
    }
  }
  std::vector<int> group(c.k);
  for (int place = 0; place < c.k; place++) group[place] = order[place] / c.group;
  std::vector<unsigned char> dead(c.k), skip(c.rows);
  dead[3] = 1;
  skip[c.rows - 1] = c.rows > 1;
  const bench::Device<float> u_on_device(u);
  CUDA_MUST(cudaMemcpy(w.group.data(), group.data(), w.group.bytes(), cudaMemcpyHostToDevice));
  CUDA_MUST(cudaMemcpy(w.dead.data(), dead.data(), w.dead.bytes(), cudaMemcpyHostToDevice));
  CUDA_MUST(cudaMemcpy(w.skip.data(), skip.data(), w.skip.bytes(), cudaMemcpyHostToDevice));
  float* targets[3] = {w.operand.data(), w.dequantize.data(), w.zero_point.data()};
  for (int s = 0; s < 3; s++) CUDA_MUST(cudaMemcpy(targets[s], scales[s].data(), w.operand.bytes(), cudaMemcpyHostToDevice));
  solve(w, rule, c.factored ? u_on_device.data() : nullptr, stride, nullptr);
  CUDA_MUST(cudaDeviceSynchronize());
  std::vector<float> expected(weights.size()), losses;
  unsigned long long clipped = 0;
  for (int row = 0; row < c.rows; row++) {
    std::vector<float> by_place(c.k);
    for (int place = 0; place < c.k; place++) {
      const bool zero = dead[order[place]] != 0 || skip[row] != 0;
      by_place[place] = zero ? 0.0f : weights[static_cast<size_t>(row) * c.k + order[place]];
    }
    std::vector<float> own[3];
    for (int s = 0; s < 3; s++) {
      for (int g = 0; g < groups; g++) own[s].push_back(scales[s][static_cast<size_t>(g) * w.pitch + row]);
    }
    const Row result = reference_row(by_place, group, own, rule, c.factored ? &u : nullptr, stride);
    losses.push_back(result.loss);
    clipped += result.clipped;
    for (int place = 0; place < c.k; place++) expected[static_cast<size_t>(row) * c.k + order[place]] = by_place[place];
  }
  const bool guards = w.steps.guards_hold() && w.work.guards_hold() && w.errors.guards_hold() && w.losses.guards_hold();
  checks.same(std::string(c.label) + "_steps", w.steps.host(), expected, guards);
  std::vector<float> found = w.losses.host();
  found.resize(c.rows);
  checks.same(std::string(c.label) + "_losses", found, losses);
  checks.same(std::string(c.label) + "_clipped", w.clipped.host(), std::vector<unsigned long long>{clipped});
}

// Times of one Llama-3.1-8B block: factors of its inputs and codes of its weights.
double once_ms(const std::function<void()>& work) {
  cudaEvent_t begin, end;
  CUDA_MUST(cudaEventCreate(&begin));
  CUDA_MUST(cudaEventCreate(&end));
  double best = 1e30;
  for (int i = 0; i < 3; i++) {
    CUDA_MUST(cudaEventRecord(begin));
    work();
    CUDA_MUST(cudaEventRecord(end));
    CUDA_MUST(cudaEventSynchronize(end));
    float ms;
    CUDA_MUST(cudaEventElapsedTime(&ms, begin, end));
    best = std::min(best, static_cast<double>(ms));
  }
  return best;
}

void time_k(int k, const std::vector<int>& row_counts) {
  const bench::Device<float> h = moments(1024, k, 7);
  const std::vector<int> order = random_order(k, 5);
  Factor factor(k);
  const bench::Device<int> order_on_device(order);
  const bench::Device<float> diagonal(std::vector<float>(k, 300.0f));
  const double order_ms = once_ms([&] { arrange(factor.a.data(), h.data(), order_on_device.data(), diagonal.data(), k, factor.stride, nullptr); });
  double parts[2] = {1e30, 1e30};
  for (int i = 0; i < 2; i++) {
    arrange(factor.a.data(), h.data(), order_on_device.data(), diagonal.data(), k, factor.stride, nullptr);
    cudaEvent_t at[3];
    for (cudaEvent_t& event : at) CUDA_MUST(cudaEventCreate(&event));
    CUDA_MUST(cudaEventRecord(at[0]));
    factorize(factor.a.data(), factor.diagonal_of_v.data(), factor.stride, factor.failed.data(), nullptr);
    CUDA_MUST(cudaEventRecord(at[1]));
    invert(factor.a.data(), factor.diagonal_of_v.data(), factor.stride, nullptr);
    CUDA_MUST(cudaEventRecord(at[2]));
    CUDA_MUST(cudaEventSynchronize(at[2]));
    for (int part = 0; part < 2; part++) {
      float ms;
      CUDA_MUST(cudaEventElapsedTime(&ms, at[part], at[part + 1]));
      parts[part] = std::min(parts[part], static_cast<double>(ms));
    }
  }
  const std::string shape = std::to_string(k);
  const double third = static_cast<double>(k) * k * k / 3;
  bench::report("gptq_arrange", shape, "", 1e3 * order_ms, 8.0 * k * k, 0);
  bench::report("gptq_factorize", shape, "128", 1e3 * parts[0], 8.0 * k * k, third);
  bench::report("gptq_invert", shape, "128", 1e3 * parts[1], 8.0 * k * k, third);
  for (int rows : row_counts) {
    std::vector<unsigned char> stored(static_cast<size_t>(rows) * k * 2);
    bench::Random random(4);
    for (size_t i = 0; i + 8 <= stored.size(); i += 8) {
      const uint64_t bits = random.bits() & 0x807F807F807F807Full;   // bf16 of magnitudes 2^-6 to 2^-5
      const uint64_t value = bits | 0x3C803C803C803C80ull;
      std::memcpy(&stored[i], &value, 8);
    }
    Weight w(rows, k, k / 128, 0, stored, order);
    std::vector<float> ones(static_cast<size_t>(k / 128) * w.pitch, 0.004f), zeros(ones.size());
    std::vector<int> group(k);
    for (int i = 0; i < k; i++) group[i] = order[i] / 128;
    CUDA_MUST(cudaMemcpy(w.group.data(), group.data(), w.group.bytes(), cudaMemcpyHostToDevice));
    CUDA_MUST(cudaMemset(w.dead.data(), 0, w.dead.bytes()));
    CUDA_MUST(cudaMemset(w.skip.data(), 0, w.skip.bytes()));
    CUDA_MUST(cudaMemcpy(w.operand.data(), ones.data(), w.operand.bytes(), cudaMemcpyHostToDevice));
    CUDA_MUST(cudaMemcpy(w.dequantize.data(), ones.data(), w.operand.bytes(), cudaMemcpyHostToDevice));
    CUDA_MUST(cudaMemcpy(w.zero_point.data(), zeros.data(), w.operand.bytes(), cudaMemcpyHostToDevice));
    const gptq::Rule rule{gptq::kInteger, gptq::kBf16, -8, 7, -8.5f, 7.4999995f};
    const double ms = once_ms([&] { solve(w, rule, factor.a.data(), factor.stride, nullptr); });
    bench::report("gptq_weight", std::to_string(rows) + "x" + shape, "int4 g128", 1e3 * ms, 6.0 * rows * k, static_cast<double>(rows) * k * k);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options = bench::Options::parse(argc, argv);
  bench::Checks checks("gptq");
  allow_all();
  if (!options.time_only) {
    for (int k : {16, 48, 128, 144, 272, 656}) {
      if (!options.smallest || k == 272) check_factor(checks, k);
    }
    check_failure(checks);
    const float kBelow8 = -128.5f, kAbove8 = 127.49999f, kFp8 = 464.0f, kFp4 = 6.9999995f;
    for (const Case& c : {Case{"int4_bf16", 33, 272, 64, 0, 0, -8, 7, -8.5f, 7.4999995f, 0.01f, false, true},
                          Case{"int4_zero_points", 70, 400, 80, 0, 1, -8, 7, -8.5f, 7.4999995f, 0.012f, true, true},
                          Case{"int8_fp32_odd", 5, 149, 149, 0, 2, -128, 127, kBelow8, kAbove8, 0.0008f, false, true},
                          Case{"e4m3_bf16", 64, 128, 128, 1, 0, 0, 0, -kFp8, kFp8, 0.0004f, false, true},
                          Case{"e2m1_fp16", 1, 96, 32, 2, 1, 0, 0, -kFp4, kFp4, 0.02f, false, true},
                          Case{"no_factor", 40, 272, 16, 0, 0, -8, 7, -8.5f, 7.4999995f, 0.01f, true, false}}) {
      if (!options.smallest || c.k == 272) check_weight(checks, c);
    }
    if (!options.smallest) {
      for (int k : {1024, 4096}) check_identities(checks, k);
      if (!options.quick) check_identities(checks, 14336);
    }
  }
  if (!options.check_only && checks.exit_code() == 0) {
    time_k(4096, {4096, 14336});
    if (!options.quick) time_k(14336, {4096});
  }
  return checks.exit_code();
}
