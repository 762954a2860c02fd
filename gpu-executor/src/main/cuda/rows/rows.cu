// What happens to rows around the products of a model, beside norms and attention: padding and placing of columns, codes under
// a scale that is given, products of int8 codes scaled behind their sum, and rows of an embedding table that is laid out as a
// matrix product reads it.
//
// kernel                    idea
// rows_place                a thread an element of 2 bytes
// rows_static_e4m3          a thread 8 elements
// rows_int8_to_bf16         a thread 8 codes
// rows_scale_bf16, _fp32    a thread 8 sums
// rows_int4_groups          a warp a group of 128 weights, 4 a lane
// rows_of_tiles_bf16, _int8 a thread 16 bytes of a row of tiles
// rows_of_int4              a thread 8 codes
//
// Shapes (last axis contiguous) stand at each kernel. Bound: device memory. Results are rounded once, to nearest even. Nothing
// of a row depends on the others.
#include "convert.cuh"
#include "tables.cuh"

using Bf16 = __nv_bfloat16;

// y[r, i] = x[r, i] for i < columns, 0 for columns <= i < width; rows x_stride and y_stride apart; all in units of 2 bytes.
// Grid (ceil(width / 256), min(rows, 65535)), block 256.
extern "C" __global__ void __launch_bounds__(rows::kThreads)
    rows_place(const uint16_t* x, uint16_t* y, int rows, int columns, int x_stride, int y_stride, int width) {
  rows::place(x, y, rows, columns, x_stride, y_stride, width);
}

// codes = e4m3fn(bf16(x / scale)), saturating at 448; NaN stays. Grid ceil(vectors / 256), vectors = elements / 8.
extern "C" __global__ void __launch_bounds__(rows::kThreads)
    rows_static_e4m3(const Bf16* x, uint2* codes, float scale, long long vectors) {
  rows::static_e4m3(x, codes, scale, vectors);
}

// Exact. Grid ceil(vectors / 256), vectors = elements / 8.
extern "C" __global__ void __launch_bounds__(rows::kThreads) rows_int8_to_bf16(const uint2* codes, Bf16* y, long long vectors) {
  rows::int8_to_bf16(codes, y, vectors);
}

// y = x * scales[row] + bias[column] + residual, in fp32 and in this order, rounded to bf16; x [rows, columns] fp32, columns a
// multiple of 8; bias fp32 [columns] or null; residual like y, may be y, or null. Grid (ceil(columns / 2048), min(rows, 65535)).
extern "C" __global__ void __launch_bounds__(rows::kThreads)
    rows_scale_bf16(const float* x, const float* scales, const float* bias, const Bf16* residual, Bf16* y, int rows, int columns) {
  rows::scale<Bf16>(x, scales, bias, residual, y, rows, columns);
}

// The same without residual and in fp32; y may be x.
extern "C" __global__ void __launch_bounds__(rows::kThreads)
    rows_scale_fp32(const float* x, const float* scales, const float* bias, float* y, int rows, int columns) {
  rows::scale<float>(x, scales, bias, nullptr, y, rows, columns);
}

// Round to nearest of weights [n, k] bf16, k a multiple of 128: scales [n, k / 128] = bf16(amax / 7.5), the epsilon of bf16 where
// all are zero; codes int32 [n, k / 8], each rint(w / scale) within -8 .. 7 plus 8, the first lowest. Grid ceil(groups / 8), block 256.
extern "C" __global__ void __launch_bounds__(rows::kThreads)
    rows_int4_groups(const Bf16* weights, uint32_t* codes, Bf16* scales, long long groups) {
  rows::int4_groups(weights, codes, scales, groups);
}

// y[r] = row ids[r] of a matrix [vocabulary, k] bf16 tiled by gemm_decode_tile with tile_rows; NaN for an id outside. tile_rows 0: the
// rows follow each other. Grid rows, block 128.
extern "C" __global__ void __launch_bounds__(rows::kTableThreads)
    rows_of_tiles_bf16(const uint8_t* tiles, const int* ids, uint4* y, int vocabulary, int k, int tile_rows) {
  rows::of_tiles_bf16(tiles, ids, y, vocabulary, k, tile_rows);
}

// The same of int8 codes with scales [vocabulary]: y [rows, k] = bf16(code * scale).
extern "C" __global__ void __launch_bounds__(rows::kTableThreads)
    rows_of_tiles_int8(const uint8_t* tiles, const float* scales, const int* ids, Bf16* y, int vocabulary, int k, int tile_rows) {
  rows::of_tiles_int8(tiles, scales, ids, y, vocabulary, k, tile_rows);
}

// The same of what rows_int4_groups makes. Grid rows, block 128.
extern "C" __global__ void __launch_bounds__(rows::kTableThreads)
    rows_of_int4(const uint32_t* codes, const Bf16* scales, const int* ids, Bf16* y, int vocabulary, int k) {
  rows::of_int4(codes, scales, ids, y, vocabulary, k);
}
