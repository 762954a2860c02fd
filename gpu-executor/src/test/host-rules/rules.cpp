// Prints what the host rules of gemm_int4 and gemm_prefill decide, one decision a line, for TestHostRules.
#include "device_words.h"

#include <cstdio>

#include "gemm_int4/layout.cuh"
#include "gemm_int4/split.cuh"
#include "gemm_prefill/tiling.cuh"
#include "gemm_prefill/width.cuh"

int main() {
  for (int group : {32, 64, 128}) {
    for (int asymmetric : {0, 1}) {
      std::printf("int4_block %d %d = %d\n", group, asymmetric, gemm_int4::block_bytes(group, asymmetric != 0));
    }
  }
  for (int rows : {8, 16, 32, 64, 128}) std::printf("int4_most_blocks %d = %d\n", rows, gemm_int4::most_blocks(rows));
  for (int blocks : {1, 2, 4, 5, 6}) std::printf("int4_shared_bytes %d = %d\n", blocks, gemm_int4::shared_bytes(blocks));
  std::printf("prefill_block = %d\n", gemm_prefill::kBlockBytes);
  const int lengths[] = {16, 48, 576, 1024, 1536, 2048, 3072, 4096, 5120, 6144, 8192, 10112, 10240, 11136, 11264, 14336, 16384, 28672, 57344, 128256};
  for (int n : lengths) {
    for (int k : lengths) {
      const gemm_int4::Split split = gemm_int4::split_of(n, k);
      std::printf("int4_split %d %d = %d %d\n", n, k, split.split, split.blocks);
    }
    for (int m : {1, 16, 128, 129, 256, 257, 600, 1000, 2048, 4096, 8192, 100000}) {
      for (int blocks : {0, 1}) {
        for (int multiprocessors : {132, 114, 78}) {
          std::printf("prefill_width %d %d %d %d = %d\n", m, n, blocks, multiprocessors,
                      gemm_prefill::columns_for(m, n, blocks != 0, multiprocessors));
        }
      }
    }
  }
}
