// Prints the places and widths of gemm_sparse, one decision a line, for TestHostRules.
#include "device_words.h"

#include <cstdio>

#include "gemm_sparse/layout.cuh"
#include "gemm_sparse/width.cuh"

int main() {
  std::printf("sparse_block 1 = %d\nsparse_block 2 = %d\n", gemm_sparse::kPackedBytes<1>, gemm_sparse::kPackedBytes<2>);
  for (int mask = 0; mask < 16; mask++) std::printf("sparse_kept %d = %u\n", mask, gemm_sparse::kept(mask));
  for (int row = 0; row < gemm_sparse::kRows; row++) {
    for (int chunk = 0; chunk < 4; chunk++) {
      std::printf("sparse_value %d %d = %d\n", row, chunk, gemm_sparse::value_place(row, chunk));
      std::printf("sparse_metadata 1 %d %d = %d\n", row, chunk, gemm_sparse::metadata_place<1>(row, chunk));
      std::printf("sparse_metadata 2 %d %d = %d\n", row, chunk, gemm_sparse::metadata_place<2>(row, chunk));
    }
  }
  const int lengths[] = {16, 1024, 4096, 5120, 6144, 8192, 10240, 14336, 28672, 57344, 128256};
  for (int n : lengths) {
    for (int m : {1, 16, 128, 129, 176, 177, 256, 600, 1000, 2048, 4096, 8192, 100000}) {
      for (int multiprocessors : {132, 114, 78}) {
        std::printf("sparse_width %d %d %d = %d\n", m, n, multiprocessors, gemm_sparse::width_for(m, n, multiprocessors));
      }
    }
  }
}
