// From a tile's sums to Y: scales, bias, and what is fused behind them.
#pragma once

#include "../include/quad.cuh"
#include "pipeline.cuh"

namespace gemm_prefill {

// The tile's sums: `part` the tensor core's own, fp32 or int32; with kPromote `sums` in ordinary registers.
template <typename C>
struct Accumulator {
  typename C::Sum part[C::kSums];
  float sums[C::kPromote > 0 ? C::kSums : 1];

  __device__ __forceinline__ void hold() {
#pragma unroll
    for (int i = 0; i < C::kSums; i++) ptx::hold(part[i]);
  }

  // Moves `part` to `sums` (first) or adds it; scale is of row half h and of the 64 columns s.
  template <bool kFirst>
  __device__ __forceinline__ void promote(const float (&scale)[2][C::kN / 64]) {
#pragma unroll
    for (int i = 0; i < C::kSums; i++) {
      if constexpr (C::kBlockScales) {
        sums[i] = __fmaf_rn(part[i], scale[i / 2 % 2][i / 32], kFirst ? 0.0f : sums[i]);
      } else {
        sums[i] = __fadd_rn(part[i], kFirst ? 0.0f : sums[i]);
      }
    }
  }

  __device__ __forceinline__ float value(int i) const {
    if constexpr (C::kPromote > 0) return sums[i];
    else return static_cast<float>(part[i]);
  }
};

// A warp's part of a tile: its first row and the tile's first column.
struct Place {
  int row, column;
};

// Starts to bring scales and biases of a tile's columns to shared memory; thread of the warpgroup. Read straight from global
// memory they would cost the end of a tile their latency 16 times.
template <typename C>
__device__ __forceinline__ void fetch_columns(const Output& out, int column, uint32_t to, int thread) {
  const bool scaled = !C::kBlockScales && out.has_column_scales();
  for (int i = thread; i < C::kN && column + i < out.n; i += 128) {
    if (scaled) ptx::copy_4(to + 4 * i, out.w_scales + column + i);
    if (out.bias != nullptr) ptx::copy_4(to + 4 * (C::kN + i), out.bias + column + i);
  }
}

// What turns sums of a row into values: the row's scale, and where the lane's scales and biases of columns are in shared memory.
template <typename C>
struct Scaling {
  float x_scale;
  bool scaled, biased;
  uint32_t scales, biases;

  __device__ __forceinline__ Scaling(const Output& out, float x_scale_, uint32_t columns, int c)
      : x_scale(x_scale_), scaled(!C::kBlockScales && out.has_column_scales()), biased(out.bias != nullptr), scales(columns + 8 * c),
        biases(scales + 4 * C::kN) {}

  // Sums `from` and from + 1, of the columns `offset` and offset + 1 from the lane's first.
  __device__ __forceinline__ float2 pair(const Accumulator<C>& sums, int from, int offset) const {
    float2 value = make_float2(__fmul_rn(sums.value(from), x_scale), __fmul_rn(sums.value(from + 1), x_scale));
    if (scaled) {
      const float2 scale = load_shared_8(scales + 4 * offset);
      value = make_float2(__fmul_rn(value.x, scale.x), __fmul_rn(value.y, scale.y));
    }
    if (biased) {
      const float2 bias = load_shared_8(biases + 4 * offset);
      value = make_float2(__fadd_rn(value.x, bias.x), __fadd_rn(value.y, bias.y));
    }
    return value;
  }
};

// As ptx::copy_16, to be thrown out of L2 first: what is read once must not displace what the next tiles read again.
__device__ __forceinline__ void copy_once_16(uint32_t to, const void* from, uint64_t policy) {
  asm volatile("cp.async.cg.shared.global.L2::cache_hint [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "l"(policy) : "memory");
}

// Starts to bring a 16-bit residual of a warp's part of a tile to shared memory.
template <typename C>
__device__ __forceinline__ void fetch_residual(const Output& out, Place at, uint32_t to, int lane) {
  constexpr int kPieces = C::kN / 8;
  if (out.y_type == 2) return;
  const uint64_t policy = ptx::evict_first_policy();
  for (int i = lane; i < 16 * kPieces; i += 32) {
    const int row = i / kPieces, column = i % kPieces * 8;
    if (at.row + row >= out.m || at.column + column >= out.n) continue;
    const long long from = static_cast<long long>(at.row + row) * out.n + at.column + column;
    copy_once_16(to + row * C::kResidualPitch + 2 * column, static_cast<const uint16_t*>(out.residual) + from, policy);
  }
}

// to += value in L2, where it lies: nobody else adds to these two, so there is no order to keep. Waits for nothing.
__device__ __forceinline__ void add_2(float* to, float2 value) {
  asm volatile("red.relaxed.gpu.global.add.v2.f32 [%0], {%1, %2};" ::"l"(to), "f"(value.x), "f"(value.y) : "memory");
}

// The values of a lane's row m, half h of the sums, columns n .. n + 1 of every eight.
// fp32: two neighbours of a quad's eight. 16 bits: eight neighbours a lane after a transposition in the quad. residual: the row's in shared
// memory.
template <typename C>
__device__ __forceinline__ void store_row(const Output& out, int m, int column, int h, int c, const Scaling<C>& scaling,
                                          uint32_t residual, const Accumulator<C>& sums) {
  constexpr bool kResidual = C::kFuse == Fuse::kResidual, kAdd = C::kFuse == Fuse::kAdd;
  const long long first = static_cast<long long>(m) * out.n + column;
#pragma unroll
  for (int j = 0; j < C::kN / 32; j++) {
    asm volatile("" ::: "memory");   // the loads of one j at a time: there are few registers
    uint32_t words[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const int offset = 32 * j + 8 * i;
      const bool inside = column + offset < out.n;   // N is a multiple of 16
      float2 value = scaling.pair(sums, 4 * (4 * j + i) + 2 * h, offset);
      if constexpr (kResidual) {
        float2 more = {};
        if (out.y_type != 2) {
          more = out.unpack(ptx::load_4(residual + 4 * c + 2 * offset));
        } else if (inside && m < out.m) {
          more = *reinterpret_cast<const float2*>(static_cast<const float*>(out.residual) + first + 2 * c + offset);
        }
        value = make_float2(__fadd_rn(value.x, more.x), __fadd_rn(value.y, more.y));
      }
      if constexpr (kAdd) {
        if (inside && m < out.m) add_2(static_cast<float*>(out.y) + first + 2 * c + offset, value);
        continue;
      }
      words[i] = out.pack(value.x, value.y);
      if (out.y_type == 2 && inside && m < out.m) {
        *reinterpret_cast<float2*>(static_cast<float*>(out.y) + first + 2 * c + offset) = value;
      }
    }
    if (kAdd || out.y_type == 2) continue;
    quad::transpose(words, c);
    if (column + 32 * j + 8 * c < out.n && m < out.m) {
      *reinterpret_cast<uint4*>(static_cast<uint16_t*>(out.y) + first + 8 * c + 32 * j) =
          make_uint4(words[0], words[1], words[2], words[3]);
    }
  }
}

// silu(gate) * up, the reciprocal within 1 ulp: a division is a call, before which all products would have to end.
__device__ __forceinline__ float gated(float2 gate_and_up) {
  float reciprocal;
  asm("rcp.approx.f32 %0, %1;" : "=f"(reciprocal) : "f"(__fadd_rn(1.0f, expf(-gate_and_up.x))));
  return __fmul_rn(__fmul_rn(gate_and_up.x, reciprocal), gate_and_up.y);
}

// The same with a gate: a pair of sums is one value of Y [M, N / 2]; four neighbours a lane after a transposition in the quad.
template <typename C>
__device__ __forceinline__ void store_gated_row(const Output& out, int m, int column, int h, int c, const Scaling<C>& scaling,
                                                const Accumulator<C>& sums) {
#pragma unroll
  for (int j = 0; j < C::kN / 32; j++) {
    asm volatile("" ::: "memory");
    uint32_t words[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const float2 pair = scaling.pair(sums, 4 * (4 * j + i) + 2 * h, 32 * j + 8 * i);
      words[i] = __float_as_uint(gated(pair));
    }
    quad::transpose(words, c);
    if (column + 32 * j + 8 * c >= out.n || m >= out.m) continue;
    const long long at = static_cast<long long>(m) * (out.n / 2) + column / 2 + 16 * j + 4 * c;
    if (out.y_type == 2) {
      *reinterpret_cast<uint4*>(static_cast<float*>(out.y) + at) = make_uint4(words[0], words[1], words[2], words[3]);
    } else {
      *reinterpret_cast<uint2*>(static_cast<uint16_t*>(out.y) + at) =
          make_uint2(out.pack(__uint_as_float(words[0]), __uint_as_float(words[1])),
                     out.pack(__uint_as_float(words[2]), __uint_as_float(words[3])));
    }
  }
}

template <typename C>
__device__ __forceinline__ void store_tile(const Output& out, Place at, int lane, uint32_t columns, uint32_t residual,
                                           const Accumulator<C>& sums) {
  asm volatile("" : "+r"(at.row), "+r"(at.column));   // else addresses are computed ahead of the products and spilled
  const int row = at.row + lane / 4;
  float x_scale[2] = {1.0f, 1.0f};
#pragma unroll
  for (int h = 0; h < 2; h++) {
    if (!C::kBlockScales) x_scale[h] = out.row_scale(min(row + 8 * h, out.m - 1));
  }
#pragma unroll
  for (int h = 0; h < 2; h++) {
    const Scaling<C> scaling(out, x_scale[h], columns, lane % 4);
    if constexpr (C::kFuse == Fuse::kGate) {
      store_gated_row<C>(out, row + 8 * h, at.column, h, lane % 4, scaling, sums);
    } else {
      store_row<C>(out, row + 8 * h, at.column, h, lane % 4, scaling, residual + (lane / 4 + 8 * h) * C::kResidualPitch, sums);
    }
  }
}

}  // namespace gemm_prefill
