// Prints what the host rules of gemm_decode decide, one decision a line, for TestHostRules.
#include "device_words.h"

#include <cstdio>

#include "gemm_decode/plan.cuh"

using namespace gemm_decode;

int main() {
  const int lengths[] = {16, 48, 208, 576, 1040, 2048, 4096, 6144, 8192, 10240, 14336, 28672, 57344, 128256};
  // H100 SXM, H100 PCIe, half a card, H200.
  for (const Card& card : {Card{132, 3352}, Card{114, 2039}, Card{78, 1500}, Card{132, 4917}}) {
    for (int bytes : {1, 2}) {
      for (int n : lengths) {
        for (int k : lengths) {
          const Tiling tiling = choose_tiling(n, k, bytes, card);
          std::printf("tiling %d %d %d %d %d = h%d c%d busiest %d\n", n, k, bytes, card.multiprocessors, card.memory, tiling.tile_rows, tiling.split,
                      tiling.busiest_rows);
          int discarded = 0;
          for (const Tiling& one : enumerate_tilings(n, k, bytes, card)) discarded += !one.discarded.empty();
          std::printf("discarded %d %d %d %d %d = %d\n", n, k, bytes, card.multiprocessors, card.memory, discarded);
          for (int m : {1, 2, 8, 9, 16, 17, 32, 33, 64, 65, 127, 128}) {
            for (int blocks = 0; blocks <= (bytes == 1 ? 1 : 0); blocks++) {
              const Launch launch = choose_launch(tiling, Size{m, n, k, bytes, blocks != 0});
              std::printf("launch %d %d %d %d %d %d %d = %s %d\n", m, n, k, bytes, blocks, card.multiprocessors, card.memory, launch.text().c_str(),
                          launch.shared_bytes);
            }
          }
        }
      }
    }
  }
  for (int m : {1, 7, 8, 9, 64, 128}) {
    for (int n : {16, 32, 64, 128}) {
      for (int rows : {16, 32, 64, 96, 128, 192, 448}) {
        for (int stages : {2, 17, 32}) {
          for (int k_blocks : {0, 1, 33}) {
            for (int split : {1, 2, 4}) {
              std::printf("shared %d %d %d %d %d %d = %u\n", m, n, rows, stages, k_blocks, split,
                          SharedLayout::of(m, n, rows, stages, k_blocks, split).bytes);
            }
          }
        }
      }
    }
  }
}
