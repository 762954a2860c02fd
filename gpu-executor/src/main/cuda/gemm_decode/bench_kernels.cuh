// For the bench: the kernels as a table, and their launch.
#pragma once

#include "bench.cuh"
#include "bench_tensor_map.cuh"
#include "plan.cuh"

namespace decode_bench {

enum class Kind { kE4m3, kE5m2, kInt8, kBf16 };  // of X; W of kE5m2 is e4m3

struct Family {
  const char* name;
  Kind x, w;
  bool block_scales;
  const void* kernels[4][3];  // [n = 16, 32, 64, 128][split 1, 2, 4]

  int element_bytes() const { return x == Kind::kBf16 ? 2 : 1; }
  const void* kernel(const gemm_decode::Launch& launch) const {
    return kernels[launch.n == 16 ? 0 : launch.n == 32 ? 1 : launch.n == 64 ? 2 : 3][launch.split / 2];
  }
};

#define AT(NAME, N, C) reinterpret_cast<const void*>(gemm_decode_##NAME##_n##N##_c##C)
#define SPLITS(NAME, N) {AT(NAME, N, 1), AT(NAME, N, 2), AT(NAME, N, 4)}
#define KERNELS(NAME) {SPLITS(NAME, 16), SPLITS(NAME, 32), SPLITS(NAME, 64), SPLITS(NAME, 128)}
inline const std::vector<Family>& families() {
  static const std::vector<Family> all = {
      {"e4m3", Kind::kE4m3, Kind::kE4m3, false, KERNELS(e4m3)},
      {"e5m2", Kind::kE5m2, Kind::kE4m3, false, KERNELS(e5m2)},
      {"int8", Kind::kInt8, Kind::kInt8, false, KERNELS(int8)},
      {"bf16", Kind::kBf16, Kind::kBf16, false, KERNELS(bf16)},
      {"e4m3_block", Kind::kE4m3, Kind::kE4m3, true, KERNELS(e4m3_block)},
      {"e5m2_block", Kind::kE5m2, Kind::kE4m3, true, KERNELS(e5m2_block)},
  };
  return all;
}
#undef AT
#undef SPLITS
#undef KERNELS

// All the shared memory a block may have, for every kernel.
inline void allow_shared_memory() {
  for (const Family& family : families()) {
    for (const auto& row : family.kernels) {
      for (const void* kernel : row) {
        CUDA_MUST(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, gemm_decode::kSharedBytes));
      }
    }
  }
}

// The device of the bench.
inline gemm_decode::Card card() {
  int multiprocessors, kilohertz, bits;
  CUDA_MUST(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, 0));
  CUDA_MUST(cudaDeviceGetAttribute(&kilohertz, cudaDevAttrMemoryClockRate, 0));
  CUDA_MUST(cudaDeviceGetAttribute(&bits, cudaDevAttrGlobalMemoryBusWidth, 0));
  return {multiprocessors, static_cast<int>(static_cast<long long>(kilohertz) * bits / 4'000'000)};
}

// With -DBENCH_TIMEOUT: where a barrier's report lies, and what it says.
#ifdef BENCH_TIMEOUT
inline volatile uint32_t* timeout_report() {
  static uint32_t* const report = [] {
    uint32_t *host, *device;
    CUDA_MUST(cudaHostAlloc(&host, 16, cudaHostAllocMapped));
    std::memset(host, 0, 16);
    CUDA_MUST(cudaHostGetDevicePointer(&device, host, 0));
    CUDA_MUST(cudaMemcpyToSymbol(ptx::timeout_report, &device, sizeof device));
    return host;
  }();
  return report;
}

inline void print_timeout() {
  const volatile uint32_t* report = timeout_report();
  if (report[0] == 0) return;
  std::printf("  barrier timed out: block %u thread %u shared address %u parity %u\n", report[0] - 1, report[1], report[2], report[3]);
}
#else
inline void print_timeout() {}
#endif

// `dependent`: with the attribute for programmatic dependent launch.
inline void launch(const Family& family, const gemm_decode::Launch& plan, const void* x, gemm_decode::Problem problem,
                   cudaStream_t stream, bool dependent) {
  CUtensorMap map = bench::tensor_map(x, problem.m, problem.k * family.element_bytes());
  problem.rows = plan.rows;
  problem.stages = plan.stages;
  problem.flags |= plan.flags;
  void* arguments[] = {&map,       &problem.y, &problem.w, &problem.scale_x, &problem.scale_w, &problem.bias,  &problem.residual,
                       &problem.m, &problem.n, &problem.k, &problem.tile_rows, &problem.rows, &problem.stages,  &problem.flags};
  cudaLaunchAttribute attribute{};
  attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  attribute.val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(plan.grid);
  config.blockDim = dim3(plan.threads);
  config.dynamicSmemBytes = plan.shared_bytes;
  config.stream = stream;
  config.attrs = &attribute;
  config.numAttrs = dependent ? 1 : 0;
  CUDA_MUST(cudaLaunchKernelExC(&config, family.kernel(plan), arguments));
}

}  // namespace decode_bench
