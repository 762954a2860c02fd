// A case of the bench; and the search of search.cuh as a plain loop, with the tables that the host of the kernels makes.
#pragma once

#include "bench.cuh"
#include "reference.cuh"

namespace cases {

using reference::Type;

using quantize::kBiased;
using quantize::kByteScale;
using quantize::kFloatScale;
using quantize::kPacked;

// One matrix under one scheme. group_rows 0: one scale for the tensor.
struct Case {
  std::string name;
  reference::Scheme scheme;
  Type type;
  int rows, columns;
  int group_rows, group_columns;
  bool searched = false;  // by the algorithm mse

  bool packed() const { return (scheme.storage & kPacked) != 0; }
  int groups() const { return (columns + group_columns - 1) / group_columns; }
  int bands() const { return group_rows == 0 ? 1 : (rows + group_rows - 1) / group_rows; }
  size_t scales() const { return static_cast<size_t>(bands()) * groups(); }
  size_t row_bytes() const { return packed() ? (static_cast<size_t>(columns) * scheme.bits + 31) / 32 * 4 : columns; }
  Type scale_type() const { return (scheme.storage & kFloatScale) ? reference::kTypeFp32 : type; }
  int scale_bytes() const { return (scheme.storage & kByteScale) ? 1 : reference::bytes_of(scale_type()); }
  bool asymmetric() const { return scheme.rule == 1 || scheme.rule == 7; }
  bool has_factor() const { return scheme.rule == 3 || scheme.rule == 10; }
  size_t index(int row, int column) const {
    return group_rows == 0 ? 0 : static_cast<size_t>(row / group_rows) * groups() + column / group_columns;
  }
  size_t zero_point_words() const { return (static_cast<size_t>(rows) * scheme.bits + 31) / 32 * groups(); }
};

namespace search {

// PowerTable of Java.
struct Power {
  double norm, exponents[256], mantissas[1025];

  explicit Power(double norm) : norm(norm) {
    for (int i = 0; i < 256; i++) exponents[i] = std::pow(2.0, (i - 127) * norm);
    for (int i = 0; i < 1025; i++) mantissas[i] = std::pow(1.0 + i / 1024.0, norm);
  }

  double of(float x) const {
    const uint32_t bits = reference::bits_of(x) & 0x7FFFFFFFu, exponent = bits >> 23;
    if (bits == 0) return 0;
    if (exponent == 0 || exponent == 255) return std::pow(std::fabs(static_cast<double>(x)), norm);
    const int index = bits >> 13 & 1023;
    volatile double slope = (bits & 8191) / 8192.0 * (mantissas[index + 1] - mantissas[index]);
    volatile double value = mantissas[index] + slope;
    return exponents[exponent] * value;
  }
};

inline const Power& exact() {
  static const Power kPower(2.4);
  return kPower;
}

inline const Power& rounded(Type type) {
  static const Power kAll[] = {Power(reference::round_to(reference::kTypeBf16, 2.4f)),
                               Power(reference::round_to(reference::kTypeFp16, 2.4f)), Power(2.4f)};
  return kAll[type];
}

// Both tables, then the powers of bf16 magnitudes, as the kernels take them.
inline std::vector<double> tables(Type type) {
  std::vector<double> all;
  for (const Power* power : {&exact(), &rounded(type)}) {
    all.insert(all.end(), power->exponents, power->exponents + 256);
    all.insert(all.end(), power->mantissas, power->mantissas + 1025);
    all.push_back(power->norm);
  }
  std::vector<float> powers(1 << 15);
  for (uint32_t i = 0; i < powers.size(); i++) {
    powers[i] = reference::round_to(reference::kTypeBf16, static_cast<float>(rounded(type).of(reference::float_of(i << 16))));
  }
  const size_t at = all.size();
  all.resize(at + powers.size() / 2);
  std::memcpy(all.data() + at, powers.data(), powers.size() * sizeof(float));
  return all;
}

inline float nearest(const Case& c, float weight, const reference::Scale& scale) {
  const float at = reference::position(c.type, c.scheme, weight, scale);
  const float value = reference::decode(c.scheme, reference::encode(c.scheme, at));
  return reference::round_to(c.type, (value - static_cast<float>(scale.zero_point)) * scale.dequantize);
}

inline double error(const Case& c, const std::vector<float>& weights, const reference::Scale& scale, bool like_reference) {
  double sum = 0;
  float short_sum = 0;
  for (float weight : weights) {
    const float difference = nearest(c, weight, scale) - weight;
    if (like_reference && c.type != reference::kTypeFp32) {
      const float rounded_difference = reference::round_to(c.type, difference);
      short_sum += reference::round_to(c.type, static_cast<float>(rounded(c.type).of(rounded_difference)));
    } else {
      sum += exact().of(difference);
    }
  }
  return like_reference && c.type != reference::kTypeFp32 ? reference::round_to(c.type, short_sum) : sum;
}

inline reference::Scale scale_of(const Case& c, const std::vector<unsigned char>& all, int band, int group,
                                 const reference::Range& range, float factor) {
  const reference::Scale full = reference::choose(c.type, c.scheme, range, factor);
  std::vector<float> weights;
  for (int row = band * c.group_rows; row < std::min(c.rows, (band + 1) * c.group_rows); row++) {
    for (int j = group * c.group_columns; j < std::min(c.columns, (group + 1) * c.group_columns); j++) {
      const float weight = reference::read(c.type, all.data(), static_cast<size_t>(row) * c.columns + j);
      if (std::isfinite(weight)) weights.push_back(weight);
    }
  }
  if (weights.empty()) return full;
  reference::Scale best = full;
  double least = INFINITY;
  for (int step = 0; step < 20; step++) {
    reference::Range shrunk = range;
    shrunk.min = reference::round_to(c.type, range.min * static_cast<float>(1 - step / 100.0));
    shrunk.max = reference::round_to(c.type, range.max * static_cast<float>(1 - step / 100.0));
    const reference::Scale scale = reference::choose(c.type, c.scheme, shrunk, factor);
    const double candidate = error(c, weights, scale, true);
    if (candidate < least) {
      least = candidate;
      best = scale;
    }
  }
  return error(c, weights, best, false) <= error(c, weights, full, false) ? best : full;
}

}  // namespace search

}  // namespace cases
