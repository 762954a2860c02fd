// Grouped GEMM for mixture of experts: Y = X W[e]^T for the tokens of each expert e, tokens sorted by expert.
//
// Shapes (last axis contiguous): X [tokens, K], W [experts, N, K] tiled as in gemm_prefill, an expert behind the other, Y [tokens, N] bf16,
// fp16 or fp32; offsets [experts + 1] int32: expert e has the tokens offsets[e] .. offsets[e + 1] - 1, any number of them or none. N and K
// multiples of 16.
//
// variant                      scales                                      a sum of a token and a column
// e4m3_n192                    a token, a row of W                         tensor core over 512 of K, then fp32 registers
// e4m3_block_n192              1 x 128 of X, 128 x 128 of W                tensor core over 128, then one fma with the two scales
// bf16_n256                    none                                        tensor core over all of K, fp32
// portable_<types>_decode      as above (types e4m3, e4m3_block, bf16)     gemm_portable's decode family
// portable_<types>_prefill     the same                                    gemm_portable's prefill family
//
// Idea: the host knows neither the counts nor the number of tiles. Blocks are persistent and walk the offsets themselves; a walk costs a
// cached load an expert. On sm_90a the pipeline is gemm_prefill's, but X is row-major: an expert's first token may be any row,
// which a swizzled tile cannot begin at. Few tokens cost the same stream of W as many: only the rows that exist are copied.
// A token has the same bits whatever the other tokens are, and those of gemm_prefill (portable: of gemm_portable).
//
// Bound: the bytes of the weights of experts with tokens (few tokens), the tensor cores (many).
// Grid: sm_90a as gemm_prefill, tiles at most (min(experts, tokens) + tokens / 256) ceil(N / n); portable any number of blocks.
// Sources: those of gemm_prefill; DeepGEMM (persistent grouped GEMM that finds its tiles from a layout on the device).
#include "../gemm_portable/kernel.cuh"
#include "grouped.cuh"
#include "hopper.cuh"
#include "reduce.cuh"

// k_bytes: of a row. y_type: 0 bf16, 1 fp16, 2 fp32. The rest: Problem in grouped.cuh.
#define GEMM_GROUPED(variant, ...)                                                                                           \
  using GemmGrouped_##variant = gemm_grouped::Config<__VA_ARGS__>;                                                           \
  extern "C" __global__ void CLUSTER_OF(2) __launch_bounds__(gemm_prefill::kThreads, 1)                                      \
      gemm_grouped_##variant(const uint8_t* x, const uint8_t* w, const int* offsets, const float* x_scales,                  \
                             const float* w_scales, const float* bias, void* y, int experts, int n, int k_bytes, int y_type) { \
    HOPPER_BODY(gemm_grouped::gemm<GemmGrouped_##variant>({x, w, offsets, x_scales, w_scales, bias, y, experts, n, k_bytes, y_type})) \
  }

GEMM_GROUPED(e4m3_n192, gemm_prefill::E4m3, 192, 4, false)
GEMM_GROUPED(e4m3_block_n192, gemm_prefill::E4m3, 192, 1, true)
GEMM_GROUPED(bf16_n256, gemm_prefill::Bf16, 256, 0, false)

namespace gemm_grouped {

template <typename Types, typename Shape>
using PortableConfig = gemm_portable::Config<Types, Shape, gemm_portable::Weights::kPrefillTiles>;

// The tiles blockIdx.x, + gridDim.x, ... of gemm_portable's loop.
template <typename C>
__device__ __forceinline__ void portable(const Problem& g) {
  using S = typename C::Tile;
  constexpr bool kBlocks = C::T::kScaling == gemm_portable::Scaling::kBlocks;
  using Scales = prefill::Config<prefill::E4m3, 128, 1, kBlocks>;   // of() asks it for the kind of scales alone
  Experts experts(g.offsets, g.experts, S::kX, (g.n + S::kW - 1) / S::kW);
  for (int index = blockIdx.x; experts.seek(index); index += gridDim.x) {
    const prefill::Problem p = g.of<Scales>(experts.expert, experts.end);
    const int tile = index - experts.base, row_tiles = experts.row_tiles();
    const gemm_portable::Part part{experts.first + tile % row_tiles * S::kX, experts.end, tile / row_tiles * S::kW};
    gemm_portable::multiply<C>({g.y, g.x, p.w, g.x_scales, p.out.w_scales, p.out.bias, nullptr, g.n, g.k_bytes / C::T::kXBytes, 0,
                                g.y_type | gemm_portable::kScalePerRow | gemm_portable::kScalePerChannel},
                               part);
    __syncthreads();
  }
}

}  // namespace gemm_grouped

#define GEMM_GROUPED_PORTABLE(NAME, TYPES, FAMILY, SHAPE)                                                                    \
  using GemmGroupedPortable_##NAME##_##FAMILY =                                                                              \
      gemm_grouped::PortableConfig<gemm_portable::TYPES, gemm_portable::SHAPE<gemm_portable::TYPES>>;                        \
  extern "C" __global__ void __launch_bounds__(GemmGroupedPortable_##NAME##_##FAMILY::Tile::kThreads,                        \
                                               GemmGroupedPortable_##NAME##_##FAMILY::kBlocks)                               \
      gemm_grouped_portable_##NAME##_##FAMILY(const uint8_t* x, const uint8_t* w, const int* offsets, const float* x_scales, \
                                              const float* w_scales, const float* bias, void* y, int experts, int n,         \
                                              int k_bytes, int y_type) {                                                     \
    reduce::wait_for_predecessor();                                                                                          \
    gemm_grouped::portable<GemmGroupedPortable_##NAME##_##FAMILY>(                                                           \
        {x, w, offsets, x_scales, w_scales, bias, y, experts, n, k_bytes, y_type});                                          \
  }

GEMM_GROUPED_PORTABLE(e4m3, E4m3, decode, Decode16)
GEMM_GROUPED_PORTABLE(e4m3, E4m3, prefill, Prefill)
GEMM_GROUPED_PORTABLE(e4m3_block, Blocks<gemm_portable::E4m3>, decode, Decode16)
GEMM_GROUPED_PORTABLE(e4m3_block, Blocks<gemm_portable::E4m3>, prefill, Prefill)
GEMM_GROUPED_PORTABLE(bf16, Bf16, decode, Decode16)
GEMM_GROUPED_PORTABLE(bf16, Bf16, prefill, Prefill)
