// Which expert and which of its tiles a number of a tile stands for: found on the device from the offsets, without a table.
#pragma once

namespace gemm_grouped {

// Walks over the experts with growing numbers of tiles. An expert has ceil(tokens / rows) * column_tiles of them, none without tokens.
struct Experts {
  const int* offsets;   // [experts + 1]: expert e has the tokens offsets[e] .. offsets[e + 1] - 1
  int experts, rows, column_tiles;
  int expert = 0, base = 0, first = 0, end = 0;

  __device__ __forceinline__ Experts(const int* offsets_, int experts_, int rows_, int column_tiles_)
      : offsets(offsets_), experts(experts_), rows(rows_), column_tiles(column_tiles_) {}

  __device__ __forceinline__ int row_tiles() const { return (end - first + rows - 1) / rows; }

  // Moves on to the expert of tile `index`, whose number in its expert is index - base; false behind the last tile. Reads the
  // expert's tokens anew, which costs less than to keep them in registers over a tile.
  __device__ __forceinline__ bool seek(int index) {
    if (expert == experts) return false;
    first = offsets[expert];
    end = offsets[expert + 1];
    while (index >= base + row_tiles() * column_tiles) {
      base += row_tiles() * column_tiles;
      if (++expert == experts) return false;
      first = end;
      end = offsets[expert + 1];
    }
    return true;
  }
};

}  // namespace gemm_grouped
