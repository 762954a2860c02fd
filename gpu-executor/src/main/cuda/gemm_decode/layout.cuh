// Where things lie: tiled weights in device memory, the blocks' share of the work, shared memory. Host and device use the same
// functions; the Java launcher repeats them.
#pragma once

#include <cstdint>

namespace gemm_decode {

constexpr int kBlockBytes = 128;     // bytes of K in a block of K: one row of a tile, one 128-byte swizzle row
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
constexpr int kPush = 512;            // partial sums go straight to the block that adds them (n <= 32, bf16 8), not by the cluster's barrier
constexpr int kXAtOnce = 1024;        // the first ring of X is fetched by all X warps together (not with block scales)
constexpr int kLaunchShift = 16;      // -DDECODE_TRACE: the launch's number in the chain stands above

// The arguments of every kernel. N counts rows of the tiled weights (gate and up together). All pointers 16-byte aligned.
struct Problem {
  void* y;                // [M, N], or [M, N / 2] with kGate; N contiguous; bf16, fp16 or fp32
  const uint8_t* x;       // [M, K], K contiguous
  const uint8_t* w;       // tiled by gemm_decode_tile
  const float* scale_x;   // [1] or [M]; block scales: [M, ceil(K / 128)], blocks contiguous; null: 1
  const float* scale_w;   // [1] or [N]; block scales: [ceil(N / 128), ceil(K / 128)], with kGate those of gate, then of up; null: 1
  const float* bias;      // [N] in the order of the tiled rows, or null
  const void* residual;   // like Y, added last; may be Y; or null
  int m, n, k;            // M 1..128, N and K multiples of 16
  int tile_rows;          // H: rows of a tile, a multiple of 8
  int pass_rows;          // P <= H: rows of a tile that a block does, a multiple of 8
  int stages;             // slots of the ring, 2..32
  int flags;
};

__host__ __device__ inline int ceil_div(int a, int b) { return (a + b - 1) / b; }

// Tiled weights: tile t holds rows t H .. min(N, (t + 1) H) - 1 and starts at byte t H blocks 128. In a tile, block b of K follows
// block b - 1; in a block, row r is 128 bytes at 128 r, whose 16-byte pieces are permuted: piece c lies at place c ^ (r % 8).
// Bytes behind K are zero. In all: N * ceil(K bytes / 128) * 128 bytes.
__host__ __device__ inline int blocks_of_k(int k, int element_bytes) { return ceil_div(k * element_bytes, kBlockBytes); }

// 64-row pieces of a consumer warpgroup, and the most consumer warpgroups, of the instance with n columns: what registers allow.
__host__ __device__ constexpr int pieces_of(int n) { return n == 32 ? 2 : 1; }
__host__ __device__ constexpr int groups_of(int n) { return n == 8 ? 7 : n <= 64 ? 4 : 3; }

// Rows of X kept in shared memory.
__host__ __device__ inline int padded_m(int m) { return ceil_div(m, 8) * 8; }

// Rows of a weight slot: at least one wgmma may read 64 rows of it.
__host__ __device__ inline int slot_rows(int pass_rows) { return pass_rows < kPieceRows ? kPieceRows : pass_rows; }

// The first row that the piece with the nominal rows `first` .. first + 63 really multiplies: the same, or less so that all 64 rows
// lie in the slot; rows below `first` are then computed twice and stored once.
__host__ __device__ inline int piece_base(int pass_rows, int first) {
  const int last = slot_rows(pass_rows) - kPieceRows;
  return first < last ? first : last;
}

// Floats between two columns of the partial sums in shared memory: 4 modulo 16, so that the stores of a warp, 8 rows by 4 even
// columns, hit 32 banks.
__host__ __device__ inline int partial_pitch(int pass_rows) { return (pass_rows + 11) / 16 * 16 + 4; }

// Different 128 x 128 scale blocks in a column of `pass_rows` rows, at most (with kGate each is two).
__host__ __device__ inline int scale_rows(int pass_rows) { return pass_rows / 128 + 4; }

// Bytes in which a block receives the shares of the sums that it adds up, from all C blocks of the cluster, itself included.
__host__ __device__ inline int share_bytes(int m, int n, int pass_rows, int cluster) {
  return cluster > 1 && n <= 32 ? cluster * ceil_div(m * (pass_rows / 4), cluster) * 16 : 0;
}

// Byte offsets in shared memory: barriers, S slots of X, S slots of W, for block scales S slots of n floats and the weights'
// scales of this block, and the shares. Reading X beyond its last slot (n > padded M) ends inside W. Without shares the partial sums
// reuse all but the barriers.
struct SharedLayout {
  uint32_t x, x_slot, w, w_slot, scale_x, scale_w, shares, bytes;

  // n: columns of the instruction; k_blocks: blocks of K a block does, at most; 0 without block scales.
  __host__ __device__ static SharedLayout of(int m, int n, int pass_rows, int stages, int k_blocks, int cluster) {
    SharedLayout at;
    at.x = kBarrierBytes;
    at.x_slot = padded_m(m) * kBlockBytes;
    at.w = at.x + stages * at.x_slot;
    at.w_slot = slot_rows(pass_rows) * kBlockBytes;
    at.scale_x = at.w + stages * at.w_slot;
    at.scale_w = at.scale_x + (k_blocks > 0 ? stages * n * 4 : 0);
    at.shares = (at.scale_w + scale_rows(pass_rows) * k_blocks * 4 + 15) / 16 * 16;
    const uint32_t ring_end = at.shares + share_bytes(m, n, pass_rows, cluster);
    const uint32_t partial_end = kBarrierBytes + m * partial_pitch(pass_rows) * 4;
    at.bytes = ring_end > partial_end ? ring_end : partial_end;
    return at;
  }
};

// What one thread block computes: `rows` rows of Y's columns from `first_row` on, over `blocks` blocks of K from `first_block` on.
struct Part {
  int first_row, rows, first_block, blocks, rank;
  const uint8_t* w;   // first bytes to stream
  long long w_step;   // bytes between two blocks of K

  // The grid is tiles * passes * kCluster blocks; the blocks of a cluster share rows and split K.
  template <int kCluster>
  __device__ static Part of(const Problem& problem, int k_blocks) {
    Part part;
    const int unit = blockIdx.x / kCluster;
    part.rank = blockIdx.x % kCluster;
    const int passes = ceil_div(problem.tile_rows, problem.pass_rows);
    const int tile_row = unit / passes * problem.tile_rows, row = unit % passes * problem.pass_rows;
    const int tile_rows = min(problem.tile_rows, problem.n - tile_row);
    part.first_row = tile_row + row;
    part.rows = min(problem.pass_rows, tile_rows - row);
    part.first_block = k_blocks * part.rank / kCluster;
    part.blocks = k_blocks * (part.rank + 1) / kCluster - part.first_block;
    part.w_step = static_cast<long long>(tile_rows) * kBlockBytes;
    part.w = problem.w + static_cast<long long>(tile_row) * k_blocks * kBlockBytes + part.first_block * part.w_step +
             row * kBlockBytes;
    return part;
  }
};

}  // namespace gemm_decode
