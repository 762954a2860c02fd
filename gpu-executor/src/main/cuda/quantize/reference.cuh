// The CPU code of quant-lib once more, for the bench: plain loops, one weight after the other, in the order of
// org.sparkao.quant.algorithm.RoundToNearest, PlainKernel and ErrorSums. Host code. Every operation is one fp32 operation,
// as in Java: x86-64 without -march has no fused multiply-add that a compiler could contract to.
// Nothing here comes from numbers.cuh, rules.cuh or codes.cuh: formats are defined by division into steps in double.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

namespace reference {

inline uint32_t bits_of(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return bits;
}

inline float float_of(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

// NumberFormats: sign, exponent, mantissa.
struct BinaryFloat {
  enum Specials { kIeee, kNanOnly, kNone };
  int exponent_bits;
  int mantissa_bits;
  Specials specials;

  int bits() const { return 1 + exponent_bits + mantissa_bits; }
  int smallest_exponent() const { return 2 - (1 << (exponent_bits - 1)); }
  int all_ones() const { return (1 << (exponent_bits + mantissa_bits)) - 1; }
  int largest_code() const {
    return specials == kIeee ? all_ones() - (1 << mantissa_bits) : specials == kNanOnly ? all_ones() - 1 : all_ones();
  }

  int encode(float value, bool saturate) const {
    if (std::isnan(value)) return specials == kNone ? 0 : all_ones();
    int sign = static_cast<int>(bits_of(value) >> 31) << (bits() - 1);
    int overflow = saturate || specials == kNone ? largest_code() : largest_code() + 1;
    if (std::isinf(value)) return sign | overflow;
    double magnitude = std::fabs(static_cast<double>(value));
    int exponent = magnitude == 0 ? smallest_exponent() : std::max(std::ilogb(magnitude), smallest_exponent());
    int steps = static_cast<int>(std::rint(std::ldexp(magnitude, mantissa_bits - exponent)));
    int code = steps + ((exponent - smallest_exponent()) << mantissa_bits);
    return sign | (code > largest_code() ? overflow : code);
  }

  float decode(int code) const {
    int magnitude = code & all_ones();
    float sign = (code >> (bits() - 1) & 1) == 0 ? 1.0f : -1.0f;
    if (magnitude > largest_code()) {
      return specials == kIeee && magnitude == largest_code() + 1 ? sign * INFINITY : NAN;
    }
    int field = magnitude >> mantissa_bits;
    int fraction = magnitude & ((1 << mantissa_bits) - 1);
    int steps = field == 0 ? fraction : fraction + (1 << mantissa_bits);
    return static_cast<float>(sign * std::ldexp(steps, smallest_exponent() + std::max(field - 1, 0) - mantissa_bits));
  }
};

const BinaryFloat kBf16 = {8, 7, BinaryFloat::kIeee};
const BinaryFloat kFp16 = {5, 10, BinaryFloat::kIeee};
const BinaryFloat kE4m3Format = {4, 3, BinaryFloat::kNanOnly};
const BinaryFloat kE5m2Format = {5, 2, BinaryFloat::kIeee};
const BinaryFloat kE2m1Format = {2, 1, BinaryFloat::kNone};

// PowerOfTwo.encodeUp.
inline int e8m0_up(float value) {
  float magnitude = std::fabs(value);
  if (!(magnitude <= 0x1p127f)) return 255;
  if (magnitude <= 0x1p-127f) return 0;
  int exponent = std::ilogb(magnitude);
  return exponent + 127 + (std::ldexp(1.0, exponent) == static_cast<double>(magnitude) ? 0 : 1);
}

enum Type { kTypeBf16, kTypeFp16, kTypeFp32 };

inline int bytes_of(Type type) { return type == kTypeFp32 ? 4 : 2; }

inline float round_to(Type type, float value) {
  if (type == kTypeFp32) return value;
  const BinaryFloat& format = type == kTypeBf16 ? kBf16 : kFp16;
  return format.decode(format.encode(value, false));
}

inline float epsilon(Type type) { return type == kTypeBf16 ? 0x1p-7f : type == kTypeFp16 ? 0x1p-10f : 0x1p-23f; }
inline float tiny(Type type) { return type == kTypeFp16 ? 0x1p-14f : 0x1p-126f; }

inline float read(Type type, const unsigned char* from, size_t element) {
  uint32_t bits = 0;
  std::memcpy(&bits, from + element * bytes_of(type), bytes_of(type));
  return type == kTypeFp32 ? float_of(bits) : type == kTypeBf16 ? float_of(bits << 16) : kFp16.decode(static_cast<int>(bits));
}

inline void write(Type type, unsigned char* to, size_t element, float value) {
  uint32_t bits = type == kTypeFp32   ? bits_of(value)
                  : type == kTypeBf16 ? static_cast<uint32_t>(kBf16.encode(value, false))
                                      : static_cast<uint32_t>(kFp16.encode(value, false));
  std::memcpy(to + element * bytes_of(type), &bits, bytes_of(type));
}

// Math.max and Math.min of Java, for NaN.
inline float max_nan(float a, float b) { return std::isnan(a) || std::isnan(b) ? NAN : std::fmax(a, b); }
inline float min_nan(float a, float b) { return std::isnan(a) || std::isnan(b) ? NAN : std::fmin(a, b); }

// The numbers of scheme.cuh.
struct Scheme {
  int rule, format, bits, storage;

  bool integer() const { return format == 0; }
  float largest() const { return integer() ? (1 << (bits - 1)) - 1 : format == 1 ? 448 : 6; }
  float smallest() const { return integer() ? -(1 << (bits - 1)) : -largest(); }
};

struct Scale {
  float operand = 0, dequantize = 0;
  int zero_point = 0, code = 0;
};

struct Range {
  float min = INFINITY, max = -INFINITY;
  bool non_finite = false;

  void add(float value) {
    if (std::fabs(value) <= 3.402823466e+38f) {
      min = std::fmin(min, value);
      max = std::fmax(max, value);
    } else {
      non_finite = true;
    }
  }
  float amax() const { return min > max ? 0 : std::fmax(std::fabs(min), std::fabs(max)); }
  bool needs_care() const {
    return non_finite || amax() > 0x1p40f || (amax() < 0x1p-40f && amax() != 0);
  }
};

inline Scale affine(Type type, const Scheme& scheme, float low, float high) {
  float width = scheme.largest() - scheme.smallest();
  Scale out;
  float scale;
  if (scheme.rule == 0) {
    scale = round_to(type, std::fabs(std::fmax(-low, high)) / (width / 2));
  } else {
    scale = round_to(type, round_to(type, high - low) / width);
    float exact = round_to(type, scheme.smallest() - round_to(type, low / scale));
    float clamped = max_nan(scheme.smallest(), min_nan(scheme.largest(), exact));
    out.zero_point = std::isnan(clamped) ? 0 : static_cast<int>(std::rint(clamped));
  }
  out.operand = out.dequantize = scale == 0 ? epsilon(type) : scale;
  return out;
}

inline Scale microscaling(Type type, const Scheme& scheme, float amax) {
  Scale out;
  out.code = 127;
  out.dequantize = 1;
  if (amax >= (type == kTypeFp16 ? 57344.0f : 0x1.cp127f)) {
    out.operand = INFINITY;
    return out;
  }
  float normal = amax;
  if (type == kTypeFp16 && amax < tiny(type)) normal = amax + 0.25f * tiny(type) >= tiny(type) ? tiny(type) : 0;
  int exponent = static_cast<int>((bits_of(normal) + (1u << 21)) >> 23) - 127 - (scheme.bits == 8 ? 8 : 2);
  int code = std::max(0, std::min(254, exponent + 127));
  float scale = round_to(type, std::ldexp(1.0f, code - 127));
  if (scale != 0) {
    out.code = code;
    out.dequantize = scale;
  }
  out.operand = out.dequantize;
  return out;
}

inline Scale torchao(Type type, const Scheme& scheme, float low, float high, float factor) {
  float amax = std::fabs(std::fmax(-low, high));
  Scale out;
  if (scheme.rule == 8) {
    out.operand = out.dequantize = round_to(type, amax / 448.0f);
  } else if (scheme.rule == 9) {
    out.code = e8m0_up(amax * static_cast<float>(1.0 / scheme.largest()));
    out.operand = std::ldexp(1.0f, 127 - out.code);
    out.dequantize = std::ldexp(1.0f, out.code - 127);
  } else if (scheme.rule == 10) {
    out.code = kE4m3Format.encode(max_nan(0x1p-6f, amax / 6.0f / factor), true);
    float scale = kE4m3Format.decode(out.code);
    out.operand = 1.0f / factor / scale;
    out.dequantize = factor * scale;
  } else {
    float steps = scheme.largest() - scheme.smallest();
    bool int8 = scheme.rule == 5;
    float floor = int8 ? round_to(type, 0x1p-23f) : tiny(type);
    float wanted = scheme.rule == 7 ? round_to(type, round_to(type, high - low) / steps) : round_to(type, amax / (steps / 2));
    float scale = max_nan(wanted, floor);
    if (scheme.rule == 7) {
      float zero = scheme.smallest() - std::rint(round_to(type, low / scale));
      float kept = max_nan(scheme.smallest(), min_nan(scheme.largest(), zero));
      out.zero_point = std::isnan(kept) ? 0 : static_cast<int>(kept);
    }
    out.dequantize = scale;
    out.operand = int8 ? 1 / scale : round_to(type, 1 / scale);
  }
  if (out.operand == 0) out.operand = float_of(1);
  return out;
}

inline Scale choose(Type type, const Scheme& scheme, const Range& range, float factor) {
  float low = std::fmin(range.min, 0.0f), high = std::fmax(range.max, 0.0f);
  float amax = std::fabs(std::fmax(-low, high));
  Scale out;
  switch (scheme.rule) {
    case 0:
    case 1: return affine(type, scheme, low, high);
    case 2: return microscaling(type, scheme, amax);
    case 3:
      out.code = kE4m3Format.encode(round_to(type, amax / 6) * factor, true);
      if (out.code == 0) out.code = kE4m3Format.encode(0.125f, true);
      out.operand = out.dequantize = kE4m3Format.decode(out.code) / factor;
      return out;
    case 4:
      out.operand = amax == 0 ? 1 : std::fmin(448.0f / amax, 3.402823466e+38f);
      out.dequantize = 1 / out.operand;
      return out;
    default: return torchao(type, scheme, low, high, factor);
  }
}

// NvScale.global and Nvfp4Spec.twoLevel: what groups are computed with.
inline float tensor_factor(Type type, const Scheme& scheme, float amax) {
  if (scheme.rule == 10) return amax == 0 ? 1 : amax / 2688.0f;
  if (scheme.rule != 3) return 1;
  float factor = round_to(type, round_to(type, 1 / std::fmax(amax, tiny(type))) * 2688.0f);
  return std::isinf(factor) || std::isnan(factor) ? 1 : factor;
}

// PlainKernel.position.
inline float position(Type type, const Scheme& scheme, float weight, const Scale& scale) {
  float zero = static_cast<float>(scale.zero_point);
  if (std::isnan(weight)) return scheme.integer() ? zero : NAN;
  switch (scheme.rule) {
    case 3: return weight / scale.operand + 0.0f;
    case 4:
    case 9:
    case 10: return weight * scale.operand;
    case 5: return std::rint(weight * scale.operand) + zero;
    case 6:
    case 7: return std::rint(round_to(type, weight * scale.operand)) + zero;
    case 8: return weight / scale.operand;
    default: return round_to(type, round_to(type, weight / scale.operand) + zero);
  }
}

inline int encode(const Scheme& scheme, float at) {
  float clamped = max_nan(scheme.smallest(), min_nan(scheme.largest(), at));
  if (!scheme.integer()) return (scheme.format == 1 ? kE4m3Format : kE2m1Format).encode(clamped, true);
  return (std::isnan(clamped) ? 0 : static_cast<int>(std::rint(clamped))) & 0xFF;
}

inline float decode(const Scheme& scheme, int code) {
  if (scheme.integer()) return static_cast<signed char>(code);
  return (scheme.format == 1 ? kE4m3Format : kE2m1Format).decode(code);
}

inline bool clips(const Scheme& scheme, float at) {
  if (scheme.integer()) {
    return at < scheme.smallest() - 0.5f || at > std::nextafter(scheme.largest() + 0.5f, 0.0f);
  }
  return std::fabs(at) > (scheme.format == 1 ? 464.0f : std::nextafter(7.0f, 0.0f));
}

}  // namespace reference
