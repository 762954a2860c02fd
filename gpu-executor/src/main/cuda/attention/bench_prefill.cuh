// Prefill attention: checks against loops in double, and timing. Comes after attention.cu.
#pragma once

#include "../layer/bench_launch.cuh"

namespace prefill_bench {

using bench::Checks;
using bench::Device;
using bench::Random;

using Kernel = void (*)(const Bf16*, const Bf16*, const Bf16*, Bf16*, const int*, const int*, int, int, int, float);

inline Kernel kernel(int dim) {
  return dim == 64    ? attention_prefill_64
         : dim == 80  ? attention_prefill_80
         : dim == 96  ? attention_prefill_96
         : dim == 128 ? attention_prefill_128
                      : attention_prefill_256;
}

// Bytes of shared memory, as the Java launcher computes them.
inline int shared_bytes(int dim) { return 2 * (dim + 8) * (64 + 2 * (dim == 256 ? 32 : 64)); }

struct Heads {
  int q_heads, kv_heads, dim;
  int row() const { return (q_heads + 2 * kv_heads) * dim; }
};

inline void launch(cudaStream_t stream, const Heads& heads, const Bf16* qkv, Bf16* out, const int* boundaries, int sequences,
                   int longest) {
  CUDA_MUST(cudaFuncSetAttribute(kernel(heads.dim), cudaFuncAttributeMaxDynamicSharedMemorySize, shared_bytes(heads.dim)));
  const Bf16* k = qkv + heads.q_heads * heads.dim;
  bench::launch(stream, kernel(heads.dim), dim3((longest + 63) / 64, heads.q_heads, sequences), 128, shared_bytes(heads.dim),
                qkv, k, k + heads.kv_heads * heads.dim, out, boundaries, static_cast<const int*>(nullptr), heads.q_heads, heads.kv_heads, heads.row(),
                static_cast<float>(1.0 / std::sqrt(heads.dim)));
}

inline std::vector<double> expected(const Heads& heads, const std::vector<Bf16>& qkv, const std::vector<int>& boundaries) {
  const std::vector<double> x = bench::doubles(qkv);
  const int dim = heads.dim, row = heads.row();
  std::vector<double> out(static_cast<size_t>(boundaries.back()) * heads.q_heads * dim, 0.0);
  for (size_t b = 0; b + 1 < boundaries.size(); b++) {
    for (int i = boundaries[b]; i < boundaries[b + 1]; i++) {
      for (int h = 0; h < heads.q_heads; h++) {
        const size_t kv = heads.q_heads + h / (heads.q_heads / heads.kv_heads);
        std::vector<double> s(i - boundaries[b] + 1);
        double top = -INFINITY, total = 0;
        for (size_t j = 0; j < s.size(); j++) {
          const double* q = &x[static_cast<size_t>(i) * row + h * dim];
          const double* k = &x[(boundaries[b] + j) * row + kv * dim];
          double dot = 0;
          for (int d = 0; d < dim; d++) dot += q[d] * k[d];
          s[j] = dot / std::sqrt(dim);
          top = std::max(top, s[j]);
        }
        double* to = &out[(static_cast<size_t>(i) * heads.q_heads + h) * dim];
        for (size_t j = 0; j < s.size(); j++) {
          const double weight = std::exp(s[j] - top);
          const double* v = &x[(boundaries[b] + j) * row + (kv + heads.kv_heads) * dim];
          total += weight;
          for (int d = 0; d < dim; d++) to[d] += weight * v[d];
        }
        for (int d = 0; d < dim; d++) to[d] /= total;
      }
    }
  }
  return out;
}

inline std::vector<Bf16> run(const Heads& heads, const std::vector<Bf16>& qkv, const std::vector<int>& boundaries,
                             bool* guards) {
  Device<Bf16> x(qkv), out(static_cast<size_t>(boundaries.back()) * heads.q_heads * heads.dim);
  Device<int> bounds(boundaries);
  int longest = 0;
  for (size_t b = 0; b + 1 < boundaries.size(); b++) longest = std::max(longest, boundaries[b + 1] - boundaries[b]);
  launch(nullptr, heads, x.data(), out.data(), bounds.data(), static_cast<int>(boundaries.size()) - 1, longest);
  CUDA_MUST(cudaDeviceSynchronize());
  *guards = out.guards_hold();
  return out.host();
}

inline void check(Checks& checks, const Heads& heads, const std::vector<int>& lengths, uint64_t seed) {
  Random random(seed);
  std::vector<int> boundaries = {0};
  for (int length : lengths) boundaries.push_back(boundaries.back() + length);
  const std::vector<Bf16> qkv = bench::random_bf16(static_cast<size_t>(boundaries.back()) * heads.row(), random);
  const std::string name = "prefill dim" + std::to_string(heads.dim) + " heads" + std::to_string(heads.q_heads) + "/" +
                           std::to_string(heads.kv_heads);
  bool guards;
  const std::vector<Bf16> out = run(heads, qkv, boundaries, &guards);
  checks.within(name, bench::relative_error(bench::doubles(out), expected(heads, qkv, boundaries)), 4e-3, guards);
  checks.same(name + " again", run(heads, qkv, boundaries, &guards), out, guards);
  const size_t row = heads.row(), out_row = static_cast<size_t>(heads.q_heads) * heads.dim;
  for (size_t b = 0; b < lengths.size(); b++) {
    const std::vector<Bf16> own(qkv.begin() + boundaries[b] * row, qkv.begin() + boundaries[b + 1] * row);
    const std::vector<Bf16> inside(out.begin() + boundaries[b] * out_row, out.begin() + boundaries[b + 1] * out_row);
    checks.same(name + " alone length" + std::to_string(lengths[b]), run(heads, own, {0, lengths[b]}, &guards), inside, guards);
  }
}

inline void check_all(Checks& checks, const bench::Options& options) {
  if (!options.wants("prefill")) return;
  uint64_t seed = 100;
  for (int dim : {64, 80, 96, 128, 256}) {
    for (int ratio : {1, 4, 8}) check(checks, Heads{ratio, 1, dim}, {1, 5, 127, 128, 129, 33}, seed++);
  }
  check(checks, Heads{9, 3, 64}, {17, 64, 65, 3}, seed++);
  check(checks, Heads{8, 2, 128}, {1000, 63}, seed++);
}

inline void time(const Heads& heads, int sequences, int length) {
  const int tokens = sequences * length;
  const double bytes = 2.0 * tokens * (heads.row() + heads.q_heads * heads.dim);
  const int copies = std::max(1, static_cast<int>(std::ceil(150e6 / bytes)));
  Device<Bf16> qkv(static_cast<size_t>(copies) * tokens * heads.row());
  Device<Bf16> out(static_cast<size_t>(tokens) * heads.q_heads * heads.dim);
  bench::fill_bf16(qkv.data(), qkv.bytes());
  std::vector<int> boundaries;
  for (int b = 0; b <= sequences; b++) boundaries.push_back(b * length);
  Device<int> bounds(boundaries);
  const double us = bench::median_us(
      copies,
      [&](cudaStream_t stream, int i) {
        launch(stream, heads, qkv.data() + static_cast<size_t>(i % copies) * tokens * heads.row(), out.data(), bounds.data(),
               sequences, length);
      },
      20);
  const std::string shape = "sequences" + std::to_string(sequences) + " length" + std::to_string(length) + " heads" +
                            std::to_string(heads.q_heads) + "/" + std::to_string(heads.kv_heads) + "x" +
                            std::to_string(heads.dim);
  bench::report("attention_prefill", shape, "64 queries a block", us, bytes,
                2.0 * sequences * heads.q_heads * heads.dim * (static_cast<double>(length) * length));
}

inline void time_all(const bench::Options& options) {
  if (!options.wants("prefill")) return;
  time(Heads{32, 8, 128}, 1, 2048);
  time(Heads{32, 8, 128}, 1, 8192);
  if (options.quick) return;
  time(Heads{64, 8, 128}, 1, 4096);
  time(Heads{32, 8, 128}, 16, 1024);
  time(Heads{9, 3, 64}, 16, 1024);
  time(Heads{16, 8, 256}, 1, 4096);
}

}  // namespace prefill_bench
