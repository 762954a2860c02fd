// How the bench calls the kernels: the launches that CudaQuantizer makes.
#pragma once

#include "bench_cases.cuh"

namespace launch {

using cases::Case;

struct Plan {
  enum Kernel { kRows, kGroups, kBlocks, kGeneric } kernel;
};

// The rules of DeviceScheme.kernel(): one read where the shape allows it.
inline Plan plan_of(const Case& c) {
  const bool dense = c.columns % 8 == 0 && c.row_bytes() * 8 == static_cast<size_t>(c.columns) * (c.packed() ? c.scheme.bits : 8);
  const int group = c.group_columns;
  if (!dense || c.group_rows == 0 || c.searched) return {Plan::kGeneric};
  if (c.group_rows == 1 && group == c.columns && c.columns <= 32768) return {Plan::kRows};
  if (c.group_rows == 1 && group >= 8 && group <= 256 && (group & (group - 1)) == 0) return {Plan::kGroups};
  if (c.group_rows == 128 && group == 128) return {Plan::kBlocks};
  return {Plan::kGeneric};
}

inline int row_threads(int columns, int weights_a_thread) {
  return std::max(32, (columns + weights_a_thread * 32 - 1) / (weights_a_thread * 32) * 32);
}

// Device buffers of a case. Poisoned before each run.
struct Buffers {
  bench::Device<unsigned char> weights, codes, scales, dequantized;
  bench::Device<signed char> zero_points;
  bench::Device<unsigned int> packed_zero_points;
  bench::Device<float4> records;
  bench::Device<float> factors;
  bench::Device<int> keys;
  bench::Device<cases::RowSums> statistics;
  bench::Device<double> tables;

  Buffers(const Case& c, const std::vector<unsigned char>& source)
      : weights(source), codes(c.rows * c.row_bytes()), scales(c.scales() * c.scale_bytes()), dequantized(source.size()),
        zero_points(c.scales()), packed_zero_points(c.zero_point_words()), records(c.scales()), factors(2),
        keys(std::vector<int>{0x7F800000, static_cast<int>(0x807FFFFFu)}), statistics(c.rows), tables(cases::search::tables(c.type)) {}

  void poison() {
    codes.poison();
    scales.poison();
    dequantized.poison();
    zero_points.poison();
    packed_zero_points.poison();
    records.poison();
    statistics.poison();
  }

  bool guards_hold() const {
    return weights.guards_hold() && codes.guards_hold() && scales.guards_hold() && dequantized.guards_hold() &&
           zero_points.guards_hold() && packed_zero_points.guards_hold() && records.guards_hold() && factors.guards_hold() &&
           keys.guards_hold() && statistics.guards_hold();
  }
};

// The kernels of one weight type.
struct Kernels {
  decltype(&quantize_rows_bf16) rows;
  decltype(&quantize_groups_bf16) groups;
  decltype(&quantize_blocks_bf16) blocks;
  decltype(&quantize_scales_bf16) scales;
  decltype(&quantize_search_bf16) search;
  decltype(&quantize_codes_bf16) codes;
  decltype(&quantize_statistics_bf16) statistics;
  decltype(&quantize_row_sums_bf16) row_sums;
  decltype(&quantize_dequantize_bf16) dequantize;
  decltype(&quantize_range_bf16) range;
  decltype(&quantize_tensor_bf16) tensor;
};

#define BENCH_KERNELS(suffix)                                                                                       \
  {quantize_rows_##suffix,       quantize_groups_##suffix,     quantize_blocks_##suffix,                            \
   quantize_scales_##suffix,     quantize_search_##suffix,     quantize_codes_##suffix,                             \
   quantize_statistics_##suffix, quantize_row_sums_##suffix,   quantize_dequantize_##suffix,                        \
   quantize_range_##suffix,      quantize_tensor_##suffix}

inline const Kernels& kernels_of(const Case& c) {
  static const Kernels kAll[] = {BENCH_KERNELS(bf16), BENCH_KERNELS(fp16), BENCH_KERNELS(fp32)};
  return kAll[c.type];
}

#define MATRIX_OF(c, b, kept)                                                                                       \
  (b).weights.data(), (b).codes.data(), (b).scales.data(), (c).asymmetric() ? (b).zero_points.data() : nullptr,     \
      (kept) ? (b).records.data() : nullptr, (c).has_factor() ? (b).factors.data() : nullptr, (c).rows, (c).columns
#define SCHEME_OF(c) (c).scheme.rule, (c).scheme.format, (c).scheme.bits, (c).scheme.storage
#define GRID_OF(c) (c).group_rows, (c).group_columns, (c).groups()

inline dim3 code_grid(const Case& c) { return dim3((c.columns + 2047) / 2048, std::min(c.rows, 65535)); }

inline void range(const Case& c, const Buffers& b, cudaStream_t stream) {
  kernels_of(c).range<<<264, 256, 0, stream>>>(b.weights.data(), b.keys.data(), static_cast<long long>(c.rows) * c.columns);
  LAUNCHED();
}

inline void tensor(const Case& c, const Buffers& b, float low, float high, cudaStream_t stream) {
  kernels_of(c).tensor<<<1, 1, 0, stream>>>(MATRIX_OF(c, b, true), b.factors.data(), SCHEME_OF(c), low, high,
                                            c.group_rows == 0);
  LAUNCHED();
}

// Blocks of quantize_groups: one for 8192 weights; of NVFP4, as many as run at once, which walk over all weights.
inline unsigned group_blocks(const Case& c) {
  const long long weights = static_cast<long long>(c.rows) * c.columns;
  const quantize::Scheme scheme{c.scheme.rule, c.scheme.format, c.scheme.bits, c.scheme.storage};
  if (c.type == reference::kTypeFp32 || !quantize::nvfp4::usable(scheme, c.group_columns)) {
    return static_cast<unsigned>((weights + 8191) / 8192);
  }
  int multiprocessors;
  CUDA_MUST(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, 0));
  const long long together = static_cast<long long>(quantize::kGroupBlocks) * multiprocessors;
  return static_cast<unsigned>(std::min((weights + 4095) / 4096, together));
}

// Scales and codes. `kept`: records are written, for the statistics.
inline void quantize(const Case& c, const Buffers& b, Plan plan, bool kept, cudaStream_t stream) {
  const Kernels& k = kernels_of(c);
  switch (plan.kernel) {
    case Plan::kRows:
      k.rows<<<c.rows, row_threads(c.columns, 32), 0, stream>>>(MATRIX_OF(c, b, kept), SCHEME_OF(c));
      break;
    case Plan::kGroups:
      k.groups<<<group_blocks(c), 256, 0, stream>>>(MATRIX_OF(c, b, kept), SCHEME_OF(c), c.group_columns);
      break;
    case Plan::kBlocks:
      k.blocks<<<dim3(c.groups(), c.bands()), quantize::kTileThreads, 0, stream>>>(MATRIX_OF(c, b, kept), SCHEME_OF(c));
      break;
    default:
      if (c.searched) {
        k.search<<<static_cast<unsigned>((c.scales() + 7) / 8), 256, 0, stream>>>(MATRIX_OF(c, b, true), SCHEME_OF(c),
                                                                                 GRID_OF(c), b.tables.data());
        LAUNCHED();
      } else if (c.group_rows != 0) {
        k.scales<<<static_cast<unsigned>((c.scales() + 7) / 8), 256, 0, stream>>>(MATRIX_OF(c, b, true), SCHEME_OF(c),
                                                                                 GRID_OF(c));
        LAUNCHED();
      }
      k.codes<<<code_grid(c), 256, 0, stream>>>(MATRIX_OF(c, b, true), SCHEME_OF(c), GRID_OF(c));
      break;
  }
  LAUNCHED();
}

inline void statistics(const Case& c, const Buffers& b, cudaStream_t stream) {
  auto* out = reinterpret_cast<quantize::RowStatistics*>(b.statistics.data());
  kernels_of(c).statistics<<<(c.rows + 15) / 16, 128, 0, stream>>>(MATRIX_OF(c, b, true), out, SCHEME_OF(c), GRID_OF(c));
  LAUNCHED();
}

// Whether row_sums does for it: whole octets.
inline bool in_octets(const Case& c) { return c.columns % 8 == 0 && c.group_columns % 8 == 0; }

// Rows of a warp, as QuantizeKernels chooses them: four where there are enough of them for every multiprocessor.
inline int rows_of_warp(const Case& c) { return c.rows >= 16 * 132 ? 4 : 1; }

inline void row_sums(const Case& c, const Buffers& b, int rows_of_warp, cudaStream_t stream) {
  auto* out = reinterpret_cast<quantize::RowStatistics*>(b.statistics.data());
  kernels_of(c).row_sums<<<(c.rows + 4 * rows_of_warp - 1) / (4 * rows_of_warp), 128, 0, stream>>>(
      MATRIX_OF(c, b, true), out, SCHEME_OF(c), GRID_OF(c), rows_of_warp);
  LAUNCHED();
}

inline void pack_zero_points(const Case& c, const Buffers& b, cudaStream_t stream) {
  quantize_pack_zero_points<<<static_cast<unsigned>((c.zero_point_words() + 255) / 256), 256, 0, stream>>>(
      b.zero_points.data(), b.packed_zero_points.data(), c.rows, c.groups(), c.scheme.bits);
  LAUNCHED();
}

// Back to weights, from what is stored: packed zero points and the stored factor.
inline void dequantize(const Case& c, const Buffers& b, cudaStream_t stream) {
  auto* zero_points = !c.asymmetric() ? nullptr
                      : c.packed()    ? reinterpret_cast<signed char*>(b.packed_zero_points.data())
                                      : b.zero_points.data();
  kernels_of(c).dequantize<<<code_grid(c), 256, 0, stream>>>(
      nullptr, b.codes.data(), b.scales.data(), zero_points, nullptr, c.has_factor() ? b.factors.data() + 1 : nullptr, c.rows,
      c.columns, b.dequantized.data(), SCHEME_OF(c), GRID_OF(c));
  LAUNCHED();
}

}  // namespace launch
