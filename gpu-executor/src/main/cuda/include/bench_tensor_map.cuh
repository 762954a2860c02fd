// For benches: tensor maps.
#pragma once

#include <cuda.h>

#include "bench.cuh"

namespace bench {

// A matrix [rows, row bytes], row-major, in boxes of some rows by 128 bytes with 128-byte swizzle.
inline CUtensorMap tensor_map(const void* x, int rows, int row_bytes, int box_rows) {
  using Encode = decltype(&cuTensorMapEncodeTiled);
  static const Encode encode = [] {
    void* function = nullptr;
    cudaDriverEntryPointQueryResult found;
    CUDA_MUST(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &function, 12000, cudaEnableDefault, &found));
    return reinterpret_cast<Encode>(function);
  }();
  CUtensorMap map;
  const cuuint64_t lengths[] = {static_cast<cuuint64_t>(row_bytes), static_cast<cuuint64_t>(rows)},
                   strides[] = {static_cast<cuuint64_t>(row_bytes)};
  const cuuint32_t box[] = {128, static_cast<cuuint32_t>(box_rows)}, steps[] = {1, 1};
  const CUresult result = encode(&map, CU_TENSOR_MAP_DATA_TYPE_UINT8, 2, const_cast<void*>(x), lengths, strides, box, steps,
                                 CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
                                 CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  if (result != CUDA_SUCCESS) {
    std::fprintf(stderr, "cuTensorMapEncodeTiled: %d\n", result);
    std::exit(1);
  }
  return map;
}

// The same in boxes of all rows: activations as the decode GEMMs take them.
inline CUtensorMap tensor_map(const void* x, int rows, int row_bytes) { return tensor_map(x, rows, row_bytes, rows); }

}  // namespace bench
