// Where things lie: tiled weights in device memory, the blocks' share of the work, shared memory. Host and device use the same
// functions; the Java launcher repeats them.
#pragma once

#include <cstdint>

namespace gemm_decode {

constexpr int kBlockBytes = 128;     // bytes of K in a block of K: one row of a tile, one 128-byte swizzle row
constexpr int kChunkBlocks = 4;      // blocks of K in a chunk: fp8 sums of the tensor core move to fp32 registers after each
constexpr int kPieceRows = 64;       // rows of weights in one wgmma
constexpr int kBarrierBytes = 1024;  // the start of shared memory: full[32], empty[32], one for the shares
constexpr int kMaxStages = 32;
constexpr int kGroupThreads = 128;

// Values of `flags`.
constexpr int kOutBf16 = 0, kOutFp16 = 1, kOutFp32 = 2, kOutMask = 3;
constexpr int kScalePerRow = 4;       // scale_x is [M], else [1]
constexpr int kScalePerChannel = 8;   // scale_w is [N], else [1]
constexpr int kGate = 16;             // rows 2 i and 2 i + 1 of the weights are gate and up: Y [M, N / 2] = silu(gate) * up
// How, not what; no influence on the bits.
constexpr int kLateLaunch = 256;      // dependents may start once the last weights are asked for, not at once
constexpr int kLaunchShift = 16;      // -DDECODE_TRACE: the launch's number in the chain stands above

// The arguments of every kernel but X, which comes as a tensor map (KERNEL in gemm_decode.cu). N counts rows of the tiled weights
// (gate and up together). All pointers 16-byte aligned.
struct Problem {
  void* y;                // [M, N], or [M, N / 2] with kGate; N contiguous; bf16, fp16 or fp32
  const uint8_t* w;       // tiled by gemm_decode_tile
  const float* scale_x;   // [1] or [M]; block scales: [M, ceil(K / 128)], blocks contiguous; null: 1
  const float* scale_w;   // [1] or [N]; block scales: [ceil(N / 128), ceil(K / 128)], with kGate those of gate, then of up; null: 1
  const float* bias;      // [N] in the order of the tiled rows, or null
  const void* residual;   // like Y, added last; may be Y; or null
  int m, n, k;            // M 1..128, N and K multiples of 16
  int tile_rows;          // R: rows of a tile, a multiple of 16
  int rows;               // H: rows of weights a thread block multiplies, a multiple of 16; divides R or is a multiple of it
  int stages;             // slots of the ring, 2..32
  int flags;
};

__host__ __device__ inline int ceil_div(int a, int b) { return (a + b - 1) / b; }

// Tiled weights: tile t holds rows t R .. t R + R - 1; in a tile, block b of K follows block b - 1; in a block, row r is 128 bytes at
// 128 r, whose 16-byte pieces are permuted: piece c lies at place c ^ (r % 8). Bytes behind K and rows behind N are zero. In all:
// ceil(N / R) * R * ceil(K bytes / 128) * 128 bytes.
__host__ __device__ inline int blocks_of_k(int k, int element_bytes) { return ceil_div(k * element_bytes, kBlockBytes); }

// The most rows of a thread block, 64 a consumer warpgroup, of the instance with n columns: what registers allow.
__host__ __device__ constexpr int most_rows(int n) { return (n == 16 ? 7 : n <= 64 ? 4 : 3) * kPieceRows; }

// Rows of X kept in shared memory.
__host__ __device__ inline int padded_m(int m) { return ceil_div(m, 8) * 8; }

// Rows of a weight slot: at least one wgmma may read 64 rows of it.
__host__ __device__ inline int slot_rows(int rows) { return rows < kPieceRows ? kPieceRows : rows; }

// The first row that the piece with the nominal rows `first` .. first + 63 really multiplies: the same, or less so that all 64 rows
// lie in the slot; rows below `first` are then computed twice and stored once.
__host__ __device__ inline int piece_base(int rows, int first) {
  const int last = slot_rows(rows) - kPieceRows;
  return first < last ? first : last;
}

// Floats between two columns of the partial sums in shared memory: 4 modulo 16, so that the stores of a warp, 8 rows by 4 even
// columns, hit 32 banks.
__host__ __device__ inline int partial_pitch(int rows) { return rows + 4; }

// Different 128 x 128 scale blocks in a column of `rows` rows, at most (with kGate each is two).
__host__ __device__ inline int scale_rows(int rows) { return rows / 128 + 4; }

// Which of the (m, four columns) pairs, m-major, of `rows` columns and M rows of Y a block of the cluster adds up, and where they lie in
// partial sums [m][row] of the pitch above.
struct Slice {
  int begin, end;

  __host__ __device__ static Slice of(int m, int rows, int rank, int cluster) {
    const int all = m * (rows / 4);
    return {all * rank / cluster, all * (rank + 1) / cluster};
  }

  __host__ __device__ static int byte_of(int i, int rows) { return (i / (rows / 4) * partial_pitch(rows) + i % (rows / 4) * 4) * 4; }
  __host__ __device__ int begin_bytes(int rows) const { return byte_of(begin, rows); }
  __host__ __device__ int bytes(int rows) const { return begin == end ? 0 : byte_of(end - 1, rows) + 16 - byte_of(begin, rows); }

  // The most that any slice of at most `rows` rows takes.
  __host__ __device__ static int most_bytes(int m, int rows, int cluster) {
    const int quads = ceil_div(m * (rows / 4), cluster);
    return quads * 16 + (quads / 4 + 1) * 16;
  }
};

// Byte offsets in shared memory: barriers, S slots of X, S slots of W, for block scales S slots of n floats and the weights'
// scales of this block, and the shares, one for each other block of the cluster. Reading X beyond its last slot (n > padded M) ends inside W.
struct SharedLayout {
  uint32_t x, x_slot, w, w_slot, scale_x, scale_w, shares, share, bytes;

  // n: columns of the instruction; k_blocks: blocks of K a block does, at most; 0 without block scales.
  __host__ __device__ static SharedLayout of(int m, int n, int rows, int stages, int k_blocks, int split) {
    SharedLayout at;
    at.x = kBarrierBytes;
    at.x_slot = padded_m(m) * kBlockBytes;
    at.w = at.x + stages * at.x_slot;
    at.w_slot = slot_rows(rows) * kBlockBytes;
    at.scale_x = at.w + stages * at.w_slot;
    at.scale_w = at.scale_x + (k_blocks > 0 ? stages * n * 4 : 0);
    // The partial sums reuse the ring; what other blocks send comes behind both.
    const uint32_t partials_end = kBarrierBytes + m * partial_pitch(rows) * 4;
    at.shares = (at.scale_w + scale_rows(rows) * k_blocks * 4 + 15) / 16 * 16;
    if (at.shares < partials_end) at.shares = partials_end;
    at.share = Slice::most_bytes(m, rows, split);
    at.bytes = at.shares + (split - 1) * at.share;
    return at;
  }
};

// What one thread block computes: `rows` rows of Y's columns from `first_row` on, over `blocks` blocks of K from `first_block` on. The grid
// is ceil(N / H) * C thread blocks; the C of a cluster have the same rows and split K, `rank` is the part.
struct Part {
  int first_row, rows, first_block, blocks, rank;
  const uint8_t* w;      // first bytes to stream
  long long tile_step;   // bytes between two tiles
  uint32_t block_step;   // bytes between two blocks of K
  int copy_rows;         // rows that lie together

  template <int kSplit>
  __device__ static Part of(const Problem& problem, int k_blocks) {
    Part part;
    part.rank = blockIdx.x % kSplit;
    part.first_row = blockIdx.x / kSplit * problem.rows;
    part.rows = min(problem.rows, problem.n - part.first_row);
    part.first_block = k_blocks * part.rank / kSplit;
    part.blocks = k_blocks * (part.rank + 1) / kSplit - part.first_block;
    part.block_step = problem.tile_rows * kBlockBytes;
    part.tile_step = static_cast<long long>(k_blocks) * part.block_step;
    part.w = problem.w + part.first_row / problem.tile_rows * part.tile_step + part.first_row % problem.tile_rows * kBlockBytes +
             static_cast<long long>(part.first_block) * part.block_step;
    part.copy_rows = min(problem.rows, problem.tile_rows);
    return part;
  }
};

}  // namespace gemm_decode
