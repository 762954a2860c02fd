// Checks layer_fp32's attention and norm against loops in double, and a sequence alone against the same among others; then times
// attention on the heads of SmolLM2-135M.
#include "layer_fp32.cu"

#include "bench.cuh"

namespace {

struct Heads {
  int q, kv, dim;
  int row() const { return (q + 2 * kv) * dim; }
  std::string label() const { return std::to_string(q) + "/" + std::to_string(kv) + "x" + std::to_string(dim); }
};

std::vector<float> random_floats(size_t count, uint64_t seed) {
  bench::Random random(seed);
  std::vector<float> values(count);
  for (float& value : values) value = random.normal();
  return values;
}

template <int kDim>
void launch_of(void (*kernel)(const float*, float*, const int*, const int*, int, int, int, float), const float* qkv, float* out, const int* boundaries,
               int sequences, int longest, const Heads& h, cudaStream_t stream) {
  constexpr int kBytes = layer_fp32::Tile<kDim>::kBytes;
  CUDA_MUST(cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize, kBytes));
  const dim3 grid((longest + 63) / 64, h.q, sequences);
  kernel<<<grid, layer_fp32::kThreads, kBytes, stream>>>(qkv, out, boundaries, nullptr, h.q, h.kv, h.dim, 1.0f / std::sqrt(static_cast<float>(h.dim)));
  LAUNCHED();
}

void launch(const float* qkv, float* out, const int* boundaries, int sequences, int longest, const Heads& h, cudaStream_t stream) {
  if (h.dim <= 64) launch_of<64>(layer_fp32_attention_64, qkv, out, boundaries, sequences, longest, h, stream);
  else if (h.dim <= 128) launch_of<128>(layer_fp32_attention_128, qkv, out, boundaries, sequences, longest, h, stream);
  else launch_of<256>(layer_fp32_attention_256, qkv, out, boundaries, sequences, longest, h, stream);
}

std::vector<float> attend(const std::vector<float>& qkv, const std::vector<int>& boundaries, int longest, const Heads& h, bool& guards) {
  const bench::Device<float> rows(qkv);
  const bench::Device<int> at(boundaries);
  bench::Device<float> out(static_cast<size_t>(boundaries.back()) * h.q * h.dim);
  launch(rows.data(), out.data(), at.data(), static_cast<int>(boundaries.size()) - 1, longest, h, nullptr);
  CUDA_MUST(cudaDeviceSynchronize());
  guards = guards && out.guards_hold() && rows.guards_hold();
  return out.host();
}

// One head of one token of the sequence that begins at `begin`.
void exact(const std::vector<float>& qkv, const Heads& h, int begin, int token, int head, std::vector<double>& to) {
  const float* q = qkv.data() + static_cast<size_t>(token) * h.row() + head * h.dim;
  const int key = h.q + head / (h.q / h.kv);
  std::vector<double> sums(h.dim, 0.0);
  double total = 0;
  for (int t = begin; t <= token; t++) {
    const float* row = qkv.data() + static_cast<size_t>(t) * h.row();
    double score = 0;
    for (int i = 0; i < h.dim; i++) score += static_cast<double>(q[i]) * row[key * h.dim + i];
    const double weight = std::exp(score / std::sqrt(static_cast<double>(h.dim)));
    total += weight;
    for (int i = 0; i < h.dim; i++) sums[i] += weight * row[(key + h.kv) * h.dim + i];
  }
  for (double sum : sums) to.push_back(sum / total);
}

void check_attention(bench::Checks& checks, const Heads& h) {
  const std::vector<int> boundaries = {0, 1, 64, 128, 193, 196, 396};
  const std::vector<float> qkv = random_floats(static_cast<size_t>(boundaries.back()) * h.row(), 5);
  bool guards = true;
  const std::vector<float> out = attend(qkv, boundaries, 200, h, guards);
  std::vector<double> expected;
  for (size_t s = 0; s + 1 < boundaries.size(); s++) {
    for (int token = boundaries[s]; token < boundaries[s + 1]; token++) {
      for (int head = 0; head < h.q; head++) exact(qkv, h, boundaries[s], token, head, expected);
    }
  }
  checks.within("attention_" + h.label(), bench::relative_error(std::vector<double>(out.begin(), out.end()), expected), 2e-6, guards);
  const std::vector<float> last(qkv.begin() + static_cast<size_t>(196) * h.row(), qkv.end());
  checks.same("attention_" + h.label() + "_alone", attend(last, {0, 200}, 200, h, guards),
              std::vector<float>(out.begin() + static_cast<size_t>(196) * h.q * h.dim, out.end()), guards);
}

void check_norm(bench::Checks& checks, int n) {
  const std::vector<float> x = random_floats(3 * static_cast<size_t>(n), 7), weight = random_floats(n, 8);
  const bench::Device<float> rows(x), w(weight);
  bench::Device<float> y(x.size());
  layer_fp32_rms_norm<<<3, layer_fp32::kThreads>>>(rows.data(), w.data(), y.data(), n, 1e-5f);
  LAUNCHED();
  CUDA_MUST(cudaDeviceSynchronize());
  std::vector<double> expected;
  for (int row = 0; row < 3; row++) {
    double squares = 0;
    for (int i = 0; i < n; i++) squares += static_cast<double>(x[row * n + i]) * x[row * n + i];
    for (int i = 0; i < n; i++) expected.push_back(x[row * n + i] / std::sqrt(squares / n + 1e-5) * weight[i]);
  }
  const std::vector<float> found = y.host();
  checks.within("norm_" + std::to_string(n), bench::relative_error(std::vector<double>(found.begin(), found.end()), expected), 1e-6,
                y.guards_hold());
}

void time_attention(const Heads& h, int sequences, int length) {
  std::vector<int> boundaries;
  for (int i = 0; i <= sequences; i++) boundaries.push_back(i * length);
  const bench::Device<float> qkv(random_floats(static_cast<size_t>(sequences) * length * h.row(), 9));
  const bench::Device<int> at(boundaries);
  bench::Device<float> out(static_cast<size_t>(sequences) * length * h.q * h.dim);
  const double us = bench::median_us(2, [&](cudaStream_t stream, int) {
    launch(qkv.data(), out.data(), at.data(), sequences, length, h, stream);
  });
  const double pairs = static_cast<double>(sequences) * h.q * length * (length + 1) / 2;
  bench::report("layer_fp32_attention", h.label() + " " + std::to_string(sequences) + "x" + std::to_string(length), "64x64", us,
                4.0 * sequences * length * (h.row() + h.q * h.dim), 4.0 * pairs * h.dim);
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options = bench::Options::parse(argc, argv);
  bench::Checks checks("layer_fp32");
  if (!options.time_only) {
    for (const Heads& h : {Heads{9, 3, 64}, Heads{4, 2, 8}, Heads{4, 1, 80}, Heads{2, 2, 128}, Heads{2, 1, 256}}) {
      if (!options.smallest || h.dim == 8) check_attention(checks, h);
    }
    for (int n : {32, 576, 4096}) check_norm(checks, n);
  }
  if (!options.check_only && checks.exit_code() == 0) {
    time_attention({9, 3, 64}, 32, 320);
    time_attention({9, 3, 64}, 8, 2048);
  }
  return checks.exit_code();
}
