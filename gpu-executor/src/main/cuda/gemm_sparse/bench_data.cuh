// Random operands of the sparse bench, made on the device, and the product in double.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp8.h>

#include "../include/bench.cuh"
#include "mma.cuh"

namespace {

__device__ __forceinline__ uint32_t hash(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return static_cast<uint32_t>((z ^ (z >> 31)) >> 16);
}

__device__ __forceinline__ float uniform(uint64_t z) { return static_cast<float>(hash(z * 0x9E3779B97F4A7C15ull) & 0xFFFFFFu) * 0x1p-24f; }

// Groups of four normal numbers; sparse: two of each are zero, of one in 16 a third.
template <int kBytes>
__global__ void fill_numbers(uint8_t* to, size_t groups, uint64_t seed, bool sparse) {
  for (size_t g = blockIdx.x * static_cast<size_t>(blockDim.x) + threadIdx.x; g < groups; g += static_cast<size_t>(gridDim.x) * blockDim.x) {
    const uint64_t at = (seed << 40) + 16 * g;
    const uint32_t choice = hash((at + 15) * 0x9E3779B97F4A7C15ull);
    const uint32_t first = choice % 4, second = (first + 1 + choice / 4 % 3) % 4;
    for (uint32_t i = 0; i < 4; i++) {
      float value = sqrtf(-2.0f * logf(uniform(at + 2 * i) + 1e-7f)) * cosf(6.2831853f * uniform(at + 2 * i + 1));
      if (sparse && ((i != first && i != second) || (i == first && choice / 16 % 16 == 0))) value = 0;
      if (kBytes == 1) to[4 * g + i] = __nv_cvt_float_to_fp8(4.0f * value, __NV_SATFINITE, __NV_E4M3);
      else reinterpret_cast<__nv_bfloat16*>(to)[4 * g + i] = __float2bfloat16_rn(value);
    }
  }
}

__global__ void fill_scales(float* to, int count, uint64_t seed, float least) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < count) to[i] = least * (1.0f + uniform((seed << 40) + i));
}

// X [m, k], W [n, k] and scales of their rows.
struct Operands {
  int m, n, k, bytes;
  bench::Device<uint8_t> x, w;
  bench::Device<float> x_scales, w_scales;

  Operands(int m_, int n_, int k_, int bytes_, uint64_t seed, bool sparse)
      : m(m_), n(n_), k(k_), bytes(bytes_), x(static_cast<size_t>(m) * k * bytes), w(static_cast<size_t>(n) * k * bytes), x_scales(m),
        w_scales(n) {
    fill(x, false, seed);
    fill(w, sparse, seed + 1);
    fill_scales<<<(m + 255) / 256, 256>>>(x_scales.data(), m, seed + 2, 0.5f);
    fill_scales<<<(n + 255) / 256, 256>>>(w_scales.data(), n, seed + 3, 0.01f);
    LAUNCHED();
    CUDA_MUST(cudaDeviceSynchronize());
  }

  int blocks() const { return (k * bytes + 127) / 128; }

 private:
  void fill(bench::Device<uint8_t>& to, bool sparse, uint64_t seed) {
    const size_t groups = to.bytes() / bytes / 4;
    if (bytes == 1) fill_numbers<1><<<1024, 256>>>(to.data(), groups, seed, sparse);
    else fill_numbers<2><<<1024, 256>>>(to.data(), groups, seed, sparse);
    LAUNCHED();
  }
};

// The same on the host.
struct HostOperands {
  int k, bytes;
  std::vector<uint8_t> x, w;
  std::vector<float> x_scales, w_scales;
  std::vector<double> e4m3;

  explicit HostOperands(const Operands& o)
      : k(o.k), bytes(o.bytes), x(o.x.host()), w(o.w.host()), x_scales(o.x_scales.host()), w_scales(o.w_scales.host()) {
    for (int i = 0; i < 256; i++) {
      e4m3.push_back(__half2float(__half(__nv_cvt_fp8_to_halfraw(static_cast<__nv_fp8_storage_t>(i), __NV_E4M3))));
    }
  }

  double value(const std::vector<uint8_t>& from, size_t at) const {
    if (bytes == 1) return e4m3[from[at]];
    uint16_t bits;
    std::memcpy(&bits, &from[2 * at], 2);
    return __bfloat162float(__ushort_as_bfloat16(bits));
  }

  double output(size_t row, size_t column) const {
    double sum = 0;
    for (int i = 0; i < k; i++) sum += value(x, row * k + i) * value(w, column * k + i);
    return bytes == 1 ? sum * x_scales[row] * w_scales[column] : sum;
  }
};

}  // namespace
