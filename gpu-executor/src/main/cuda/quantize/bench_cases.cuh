// Cases of the bench: matrices with awkward rows, what the reference makes of them, and what the kernels make of them.
// Host code around the launches that CudaQuantizer does.
#pragma once

#include "bench_search.cuh"

namespace cases {

// Sums of a row, in the layout of quantize::RowStatistics.
struct RowSums {
  double signal = 0, noise = 0, absolute = 0;
  float max_error = 0, amax = 0;
  unsigned int non_finite = 0, clipped = 0, padding[2] = {0, 0};
};

struct Result {
  std::vector<unsigned char> codes, scales, dequantized;
  std::vector<signed char> zero_points;
  std::vector<unsigned int> packed_zero_points;
  std::vector<RowSums> statistics;
};

// Rows of ordinary weights, and one each of: zeros of both signs, one sign only, NaN and infinities among others, nothing
// but NaN, very large, very small, any bits, small.
inline std::vector<unsigned char> weights(const Case& c, uint64_t seed) {
  bench::Random random(seed);
  std::vector<unsigned char> bytes(static_cast<size_t>(c.rows) * c.columns * reference::bytes_of(c.type));
  const bool half = c.type == reference::kTypeFp16;
  for (int row = 0; row < c.rows; row++) {
    for (int j = 0; j < c.columns; j++) {
      float normal = random.normal();
      float value = normal * 0.02f * (random.bits() % 500 == 0 ? 40 : 1);
      switch (c.rows < 10 ? 0 : row % 67) {
        case 1: value = j % 2 == 0 ? 0.0f : -0.0f; break;
        case 2: value = std::fabs(normal); break;
        case 3: value = j % 50 == 7 ? NAN : j % 50 == 20 ? -INFINITY : normal; break;
        case 4: value = NAN; break;
        case 5: value = normal * (half ? 2e4f : 1e38f); break;
        case 6: value = normal * (half ? 1e-7f : 1e-39f); break;
        case 7: value = reference::float_of(static_cast<uint32_t>(random.bits())); break;
        case 8: value = normal * (half ? 3e-5f : 1e-12f); break;
        default: break;
      }
      reference::write(c.type, bytes.data(), static_cast<size_t>(row) * c.columns + j, reference::round_to(c.type, value));
    }
  }
  return bytes;
}

inline reference::Range tensor_range(const Case& c, const std::vector<unsigned char>& weights) {
  reference::Range range;
  for (size_t i = 0; i < static_cast<size_t>(c.rows) * c.columns; i++) range.add(reference::read(c.type, weights.data(), i));
  return range;
}

inline void pack_row(const Case& c, const std::vector<int>& codes, unsigned char* out) {
  if (!c.packed()) {
    for (int j = 0; j < c.columns; j++) out[j] = static_cast<unsigned char>(codes[j]);
    return;
  }
  const int bias = (c.scheme.storage & kBiased) ? 1 << (c.scheme.bits - 1) : 0;
  for (int j = 0; j < c.columns; j++) {
    int code = (codes[j] + bias) & ((1 << c.scheme.bits) - 1);
    for (int bit = 0; bit < c.scheme.bits; bit++) {
      size_t at = static_cast<size_t>(j) * c.scheme.bits + bit;
      out[at / 8] |= static_cast<unsigned char>((code >> bit & 1) << at % 8);
    }
  }
}

inline void pack_zero_points(const Case& c, Result& result) {
  result.packed_zero_points.assign(c.zero_point_words(), 0);
  for (int row = 0; row < c.rows; row++) {
    for (int group = 0; group < c.groups(); group++) {
      int code = (result.zero_points[static_cast<size_t>(row) * c.groups() + group] + (1 << (c.scheme.bits - 1))) &
                 ((1 << c.scheme.bits) - 1);
      for (int bit = 0; bit < c.scheme.bits; bit++) {
        size_t at = static_cast<size_t>(row) * c.scheme.bits + bit;
        result.packed_zero_points[at / 32 * c.groups() + group] |= static_cast<unsigned int>(code >> bit & 1) << at % 32;
      }
    }
  }
}

// ErrorSums over one row.
struct Lanes {
  float signal[8] = {}, noise[8] = {}, absolute[8] = {};
  double careful[3] = {};

  void add(int lane, float weight, float dequantized, RowSums& sums) {
    float error = weight - dequantized;
    signal[lane] += weight * weight;
    noise[lane] += error * error;
    absolute[lane] += std::fabs(error);
    raise(sums, std::fabs(error));
  }
  void add_carefully(float weight, float dequantized, RowSums& sums) {
    double error = static_cast<double>(weight) - dequantized;
    careful[0] += static_cast<double>(weight) * weight;
    careful[1] += error * error;
    careful[2] += std::fabs(error);
    raise(sums, static_cast<float>(std::fabs(error)));
  }
  // As bits, so that NaN is the largest.
  static void raise(RowSums& sums, float error) {
    sums.max_error = reference::float_of(std::max(reference::bits_of(sums.max_error), reference::bits_of(error) & 0x7FFFFFFFu));
  }
  static double drain(const float* lanes) {
    double sum = 0;
    for (int i = 0; i < 8; i++) sum += lanes[i];
    return sum;
  }
  void finish(RowSums& sums) const {
    sums.signal = careful[0] + drain(signal);
    sums.noise = careful[1] + drain(noise);
    sums.absolute = careful[2] + drain(absolute);
  }
};

inline reference::Range range_of(const Case& c, const std::vector<unsigned char>& weights, int row_begin, int row_end,
                                 int group) {
  reference::Range range;
  int end = std::min(c.columns, (group + 1) * c.group_columns);
  for (int row = row_begin; row < row_end; row++) {
    for (int j = group * c.group_columns; j < end; j++) {
      range.add(reference::read(c.type, weights.data(), static_cast<size_t>(row) * c.columns + j));
    }
  }
  return range;
}

inline void reference_row(const Case& c, const std::vector<unsigned char>& weights, int row,
                          const std::vector<reference::Scale>& scales, const std::vector<reference::Range>& ranges,
                          float factor, Result& result) {
  Lanes lanes;
  RowSums sums;
  const reference::Range of_row = range_of(c, weights, row, row + 1, 0);
  std::vector<int> codes(c.columns);
  for (int j = 0; j < c.columns; j++) {
    const reference::Scale& scale = scales[c.index(row, j)];
    const reference::Range& range = c.group_rows == 0 ? of_row : ranges[c.index(row, j)];
    const size_t element = static_cast<size_t>(row) * c.columns + j;
    float weight = reference::read(c.type, weights.data(), element);
    float at = reference::position(c.type, c.scheme, weight, scale);
    codes[j] = reference::encode(c.scheme, at);
    float value = reference::decode(c.scheme, codes[j]);
    float dequantized = reference::round_to(c.type, (value - static_cast<float>(scale.zero_point)) * scale.dequantize);
    // A loader divides by the stored global scale where torchao multiplies with its own.
    float loaded = c.scheme.rule == 10 ? reference::kE4m3Format.decode(scale.code) / (1.0f / factor) : scale.dequantize;
    float zero = static_cast<float>(scale.zero_point);
    reference::write(c.type, result.dequantized.data(), element, reference::round_to(c.type, (value - zero) * loaded));
    sums.amax = std::fmax(sums.amax, std::isfinite(weight) ? std::fabs(weight) : 0.0f);
    if (range.needs_care() && !std::isfinite(weight)) {
      sums.non_finite++;
      continue;
    }
    sums.clipped += reference::clips(c.scheme, at);
    if (range.needs_care()) lanes.add_carefully(weight, dequantized, sums);
    else lanes.add(j % c.group_columns % 8, weight, dequantized, sums);
  }
  lanes.finish(sums);
  result.statistics[row] = sums;
  pack_row(c, codes, result.codes.data() + row * c.row_bytes());
}

inline Result reference_of(const Case& c, const std::vector<unsigned char>& weights) {
  Result result;
  const reference::Range whole = tensor_range(c, weights);
  const float factor = reference::tensor_factor(c.type, c.scheme, whole.amax());
  std::vector<reference::Scale> scales(c.scales());
  std::vector<reference::Range> ranges(c.scales());
  result.scales.resize(c.scales() * c.scale_bytes());
  result.zero_points.resize(c.scales());
  for (int band = 0; band < c.bands(); band++) {
    for (int group = 0; group < c.groups(); group++) {
      size_t i = static_cast<size_t>(band) * c.groups() + group;
      int begin = band * c.group_rows, end = std::min(c.rows, begin + c.group_rows);
      ranges[i] = c.group_rows == 0 ? whole : range_of(c, weights, begin, end, group);
      scales[i] = reference::choose(c.type, c.scheme, ranges[i], factor);
      if (c.searched) scales[i] = search::scale_of(c, weights, band, group, ranges[i], factor);
      if (c.scale_bytes() == 1) result.scales[i] = static_cast<unsigned char>(scales[i].code);
      else reference::write(c.scale_type(), result.scales.data(), i, scales[i].dequantize);
      result.zero_points[i] = static_cast<signed char>(scales[i].zero_point);
    }
  }
  result.codes.assign(c.rows * c.row_bytes(), 0);
  result.dequantized.resize(weights.size());
  result.statistics.resize(c.rows);
  for (int row = 0; row < c.rows; row++) reference_row(c, weights, row, scales, ranges, factor, result);
  if (c.asymmetric() && c.packed() && c.group_rows == 1) pack_zero_points(c, result);
  return result;
}

}  // namespace cases
