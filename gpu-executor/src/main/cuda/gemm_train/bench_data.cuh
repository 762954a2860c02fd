// Data and launches of the bench of gemm_train.
#pragma once

#include <memory>

#include "bench.cuh"
#include "bench_tensor_map.cuh"

namespace {

using Bf16 = __nv_bfloat16;
using gemm_train::Result;

int multiprocessors() {
  int count;
  CUDA_MUST(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, 0));
  return count;
}

// About normal numbers that follow from seed and place.
__global__ void fill(Bf16* to, long long count, uint64_t seed) {
  for (long long i = blockIdx.x * static_cast<long long>(blockDim.x) + threadIdx.x; i < count; i += gridDim.x * static_cast<long long>(blockDim.x)) {
    uint64_t z = (i + 1) * 0x9E3779B97F4A7C15ull + seed * 0xD1B54A32D192ED03ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    z ^= z >> 31;
    const float sum = static_cast<float>(z & 0xFFFF) + static_cast<float>(z >> 16 & 0xFFFF) + static_cast<float>(z >> 32 & 0xFFFF);
    to[i] = __float2bfloat16_rn((sum - 98302.5f) / 32768);
  }
}

// A matrix [rows, columns].
struct Matrix {
  int rows, columns;
  bench::Device<Bf16> data;

  Matrix(int r, int c, uint64_t seed) : rows(r), columns(c), data(static_cast<size_t>(r) * c) {
    fill<<<1024, 256>>>(data.data(), static_cast<long long>(r) * c, seed);
    LAUNCHED();
  }

  CUtensorMap map(int box) const { return bench::tensor_map(data.data(), rows, 2 * columns, box); }
};

struct Product {
  const Matrix* a;
  const Matrix* b;
  int m, n, depth;
  double operations() const { return 2.0 * m * n * depth; }
  int depth_blocks() const { return (depth + 63) / 64; }
};

template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), int grid, int block, int bytes, cudaStream_t stream, Arguments... arguments) {
  CUDA_MUST(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes));
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(grid);
  config.blockDim = dim3(block);
  config.dynamicSmemBytes = bytes;
  config.stream = stream;
  cudaLaunchAttribute attribute{};
  attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  attribute.val.programmaticStreamSerializationAllowed = 1;
  config.attrs = &attribute;
  config.numAttrs = 1;
  CUDA_MUST(cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...));
  LAUNCHED();
}

template <typename C>
int tiles(const Product& p) {
  const int rows = C::kRows * C::kCluster;
  return (p.m + rows - 1) / rows * ((p.n + gemm_train::kColumns - 1) / gemm_train::kColumns);
}

template <typename C, typename Kernel>
void run(Kernel kernel, const Product& p, void* y, const float* bias, Result result, cudaStream_t stream) {
  const int clusters = std::min(tiles<C>(p), multiprocessors() / C::kCluster);
  launch(kernel, clusters * C::kCluster, C::kThreads, C::kBytes, stream, p.a->map(C::kBoxA), p.b->map(C::kBoxB), y, bias, p.m, p.n,
         p.depth_blocks(), static_cast<int>(result));
}

int units(const Product& p) { return std::min(tiles<GemmTrain_weight>(p) * p.depth_blocks(), multiprocessors()); }

size_t part_numbers(const Product& p) {
  return static_cast<size_t>(units(p) + tiles<GemmTrain_weight>(p) - 1) * GemmTrain_weight::kRows * gemm_train::kColumns;
}

void run_parts(const Product& p, float* parts, float* y, cudaStream_t stream) {
  using C = GemmTrain_weight;
  launch(gemm_train_weight_parts, units(p), C::kThreads, C::kBytes, stream, p.a->map(C::kBoxA), p.b->map(C::kBoxB), parts, p.m, p.n,
         p.depth_blocks());
  const dim3 grid(p.m, (p.n / 4 + 63) / 64);
  gemm_train_add_parts<<<grid, 64, 0, stream>>>(y, parts, p.m, p.n, p.depth_blocks(), units(p));
  LAUNCHED();
}

}  // namespace
