// From weights and a scale to codes, and codes to their places.
//
// Regular groups (finite, ordinary magnitudes) take eight weights at a time through registers. There the quotient is the
// product with the reciprocal, corrected by one or two residuals (Markstein 1990): what is rounded to the type of the
// weight or to fp8 afterwards needs one, because a quotient of two numbers of at most 11 bits is either exactly half-way
// between two of the results or further from it than 2^-23; fp4 from fp32 scales needs two, which give the quotient of
// __fdiv_rn itself. fp32 weights are divided by __fdiv_rn. Everything else goes weight by weight, as PlainKernel does.
#pragma once

#include "pairs.cuh"

namespace quantize {

// Where a weight lies on the grid of codes: PlainKernel.position. Never NaN for formats that have none: those get the
// position of the code that the CPU gives, 0 or that of weight zero.
template <typename T>
__device__ __forceinline__ float position_of(float weight, const Scale& scale, int quotient, int format) {
  if (numbers::is_nan(weight)) return format == kInteger ? scale.zero_point : format == kE2m1 ? 0.0f : weight;
  float position;
  switch (quotient) {
    case kDivideInType:
      position = T::round(__fadd_rn(T::round(__fdiv_rn(weight, scale.operand)), scale.zero_point));
      break;
    case kDivide: position = __fadd_rn(__fdiv_rn(weight, scale.operand), 0.0f); break;
    case kDivideKeepingSign: position = __fdiv_rn(weight, scale.operand); break;
    case kMultiply: position = __fmul_rn(weight, scale.operand); break;
    case kMultiplyAndRound:
      position = __fadd_rn(rintf(__fmul_rn(weight, scale.operand)), scale.zero_point);
      break;
    default:
      position = __fadd_rn(rintf(T::round(__fmul_rn(weight, scale.operand))), scale.zero_point);
      break;
  }
  return numbers::is_nan(position) && format != kE4m3 ? 0.0f : position;
}

template <typename T>
__device__ __forceinline__ float position_of(float weight, const Scale& scale, const Scheme& scheme) {
  return position_of<T>(weight, scale, scheme.quotient(), scheme.format);
}

// The code of a position, clamped, then rounded; two's complement for integers.
__device__ __forceinline__ uint32_t code_of(float position, const Scheme& scheme) {
  switch (scheme.format) {
    case kE4m3: return numbers::float_to_e4m3(position);
    case kE2m1: return numbers::float_to_e2m1(position);
    default: return static_cast<uint32_t>(__float2int_rn(fmaxf(scheme.smallest(), fminf(scheme.largest(), position)))) & 0xFFu;
  }
}

// The number that a code stands for.
__device__ __forceinline__ float value_of(uint32_t code, const Scheme& scheme) {
  switch (scheme.format) {
    case kE4m3: return numbers::e4m3_to_float(static_cast<uint8_t>(code));
    case kE2m1: return numbers::e2m1_to_float(static_cast<uint8_t>(code));
    default: return static_cast<float>(static_cast<signed char>(code));
  }
}

// Whether a group of magnitude `amax` under `scale` may go through registers.
__device__ __forceinline__ bool is_regular(const Scheme& scheme, const Scale& scale, const Range& range) {
  float operand = scale.operand;
  if (!range.finite() || !(operand <= kLargestFloat)) return false;
  int quotient = scheme.quotient();
  bool divides = quotient == kDivideInType || quotient == kDivide || quotient == kDivideKeepingSign;
  return !divides || (operand >= 0x1p-64f && operand <= 0x1p16f && range.amax() <= operand * 0x1p20f);
}

// What the record of a group says beside its scale; `range` is that of its finite weights, `finite` whether those are all.
__device__ __forceinline__ int flags_of(const Scheme& scheme, const Scale& scale, const Range& range, bool finite) {
  return (needs_care(range.amax(), finite) ? kCare : 0) | (finite && is_regular(scheme, scale, range) ? 0 : kOneByOne);
}

template <typename T>
__device__ __forceinline__ void divide(float (&values)[8], float divisor, float reciprocal, bool exactly) {
#pragma unroll
  for (int i = 0; i < 8; i++) {
    if constexpr (T::kBytes == 4) {
      values[i] = __fdiv_rn(values[i], divisor);
    } else {
      values[i] = exactly ? divide_exactly(values[i], divisor, reciprocal) : divide_once(values[i], divisor, reciprocal);
    }
  }
}

// How weights become codes, known to the compiler. kInPairs: pairs.cuh.
template <int kQuotientValue, int kFormatValue, bool kPairs = false>
struct Kind {
  static constexpr int kQuotient = kQuotientValue;
  static constexpr int kFormat = kFormatValue;
  static constexpr bool kInPairs = kPairs;
};

// Calls `body` with the Kind of a scheme: the same one for a whole launch.
template <typename T, class Body>
__device__ __forceinline__ void with_kind(const Scheme& scheme, Body body) {
  if constexpr (T::kBytes == 2) {
    if (pairs::usable<T>(scheme)) {
      if (scheme.format == kInteger) body(Kind<kDivideInType, kInteger, true>());
      else body(Kind<kDivideInType, kE2m1, true>());
      return;
    }
  }
  switch (scheme.quotient()) {
    case kDivideInType:
      if (scheme.format == kInteger) body(Kind<kDivideInType, kInteger>());
      if (scheme.format == kE4m3) body(Kind<kDivideInType, kE4m3>());
      if (scheme.format == kE2m1) body(Kind<kDivideInType, kE2m1>());
      break;
    case kDivide: body(Kind<kDivide, kE2m1>()); break;
    case kDivideKeepingSign: body(Kind<kDivideKeepingSign, kE4m3>()); break;
    case kMultiply:
      if (scheme.format == kE4m3) body(Kind<kMultiply, kE4m3>());
      if (scheme.format == kE2m1) body(Kind<kMultiply, kE2m1>());
      break;
    case kMultiplyAndRound: body(Kind<kMultiplyAndRound, kInteger>()); break;
    default: body(Kind<kMultiplyAndRoundInType, kInteger>()); break;
  }
}

template <typename T>
__device__ __forceinline__ void round_all(float (&values)[8]) {
#pragma unroll
  for (int i = 0; i < 8; i += 2) T::round2(values[i], values[i + 1]);
}

// The same as position_of for eight weights of a regular group. `reciprocal` is that of the operand.
template <typename T, class K>
__device__ __forceinline__ void positions_of(float (&values)[8], float operand, float reciprocal, float zero_point) {
  if constexpr (K::kQuotient == kDivideInType) {
    divide<T>(values, operand, reciprocal, false);
    round_all<T>(values);
#pragma unroll
    for (int i = 0; i < 8; i++) values[i] = __fadd_rn(values[i], zero_point);
    if (K::kFormat == kInteger && zero_point != 0.0f) round_all<T>(values);
  } else if constexpr (K::kQuotient == kDivide) {
    divide<T>(values, operand, reciprocal, true);
#pragma unroll
    for (int i = 0; i < 8; i++) values[i] = __fadd_rn(values[i], 0.0f);
  } else if constexpr (K::kQuotient == kDivideKeepingSign) {
    float quotients[8];
#pragma unroll
    for (int i = 0; i < 8; i++) quotients[i] = values[i];
    divide<T>(quotients, operand, reciprocal, false);
    // The residual of a negative zero is positive.
#pragma unroll
    for (int i = 0; i < 8; i++) values[i] = copysignf(quotients[i], values[i]);
  } else {
#pragma unroll
    for (int i = 0; i < 8; i++) values[i] = __fmul_rn(values[i], operand);
    if constexpr (K::kQuotient != kMultiply) {
      if constexpr (K::kQuotient == kMultiplyAndRoundInType) round_all<T>(values);
#pragma unroll
      for (int i = 0; i < 8; i++) values[i] = __fadd_rn(rintf(values[i]), zero_point);
    }
  }
}

// 1.5 * 2^23: a sum with it is rounded to whole numbers, which its lowest bits hold.
constexpr float kWholeFloat = 12582912.0f;

// kWholeFloat plus the e2m1 code of a magnitude. Codes are 2 x up to 2, x + 2 up to 4, x / 2 + 4 up to 6, then 7: the
// least of the four everywhere, before as after rounding; ties go to the even code.
__device__ __forceinline__ float e2m1_above_whole(float magnitude) {
  return fminf(fminf(__fmaf_rn(magnitude, 2.0f, kWholeFloat), __fadd_rn(magnitude, kWholeFloat + 2.0f)),
               fminf(__fmaf_rn(magnitude, 0.5f, kWholeFloat + 4.0f), kWholeFloat + 7.0f));
}

// Byte `index` of each of four words, side by side.
__device__ __forceinline__ uint32_t four_bytes(uint32_t a, uint32_t b, uint32_t c, uint32_t d, int index) {
  const uint32_t which = index | (4 + index) << 4;
  return __byte_perm(__byte_perm(a, b, which), __byte_perm(c, d, which), 0x5410);
}

// Eight codes of positions that are no NaN, one a byte, the first in the lowest. `smallest` and `largest` are those of
// integers.
template <class K>
__device__ __forceinline__ uint2 codes_of(const float (&positions)[8], float smallest, float largest) {
  if constexpr (K::kFormat == kE4m3) {
    uint32_t pairs[4];
#pragma unroll
    for (int i = 0; i < 4; i++) pairs[i] = numbers::floats_to_e4m3x2(positions[2 * i], positions[2 * i + 1]);
    return make_uint2(__byte_perm(pairs[0], pairs[1], 0x5410), __byte_perm(pairs[2], pairs[3], 0x5410));
  } else {
    uint32_t codes[8];
#pragma unroll
    for (int i = 0; i < 8; i++) {
      if constexpr (K::kFormat == kE2m1) {
        codes[i] = __float_as_uint(e2m1_above_whole(fabsf(positions[i])));
      } else {
        codes[i] = __float_as_uint(__fadd_rn(fmaxf(smallest, fminf(largest, positions[i])), kWholeFloat));
      }
    }
    uint32_t words[2];
#pragma unroll
    for (int i = 0; i < 2; i++) {
      words[i] = four_bytes(codes[4 * i], codes[4 * i + 1], codes[4 * i + 2], codes[4 * i + 3], 0);
      if constexpr (K::kFormat == kE2m1) {
        uint32_t signs[4];
#pragma unroll
        for (int j = 0; j < 4; j++) signs[j] = __float_as_uint(positions[4 * i + j]);
        words[i] |= four_bytes(signs[0], signs[1], signs[2], signs[3], 3) >> 4 & 0x08080808u;
      }
    }
    return make_uint2(words[0], words[1]);
  }
}

// The same, two positions a word.
template <typename T, class K>
__device__ __forceinline__ void pair_positions_of(const Octet<T>& octet, const Scheme& scheme, float operand,
                                                  float reciprocal, float zero_point, uint32_t (&found)[4]) {
  const uint32_t one = T::twice(1.0f);
  if constexpr (K::kFormat == kE2m1 && T::kRangeOfFp32) {
    // The operand is a power of two. Zero is added on its own: a product that underflows keeps its sign.
    const uint32_t factor = T::twice(reciprocal);
#pragma unroll
    for (int i = 0; i < 4; i++) found[i] = T::multiply_add2(T::multiply_add2(octet.words[i], factor, 0u), one, 0u);
  } else {
    float values[8];
    unpack<T>(octet, values);
    divide<T>(values, operand, reciprocal, false);
#pragma unroll
    for (int i = 0; i < 4; i++) found[i] = T::pair(values[2 * i], values[2 * i + 1]);
    if (K::kFormat == kE2m1 || scheme.rule == kCtAsymmetric) {
      const uint32_t zero = T::pair(zero_point, zero_point);
#pragma unroll
      for (int i = 0; i < 4; i++) found[i] = T::multiply_add2(found[i], one, zero);
    }
  }
}

// Codes of eight weights of a regular group. Where they are packed, bits above those of a code mean nothing.
template <typename T, class K>
__device__ __forceinline__ uint2 codes_of(const Octet<T>& octet, const Scheme& scheme, float operand, float reciprocal,
                                          float zero_point) {
  float values[8];
  if constexpr (K::kInPairs) {
    uint32_t found[4];
    pair_positions_of<T, K>(octet, scheme, operand, reciprocal, zero_point, found);
    return pairs::codes_of<T, K::kFormat == kE2m1>(found, scheme);
  } else if constexpr (K::kQuotient == kDivide && T::kBytes == 2) {
    // Signs are those of the weights, without that of zero; the rest needs none.
    Octet<T> signs, magnitudes;
#pragma unroll
    for (int i = 0; i < 4; i++) {
      signs.words[i] = T::multiply_add2(octet.words[i], T::twice(1.0f), 0u);
      magnitudes.words[i] = signs.words[i] & 0x7FFF7FFFu;
    }
    unpack<T>(magnitudes, values);
    divide<T>(values, operand, reciprocal, true);
    uint32_t words[2];
#pragma unroll
    for (int i = 0; i < 2; i++) {
      uint32_t codes[4];
#pragma unroll
      for (int j = 0; j < 4; j++) codes[j] = __float_as_uint(e2m1_above_whole(values[4 * i + j]));
      words[i] = four_bytes(codes[0], codes[1], codes[2], codes[3], 0) |
                 (__byte_perm(signs.words[2 * i], signs.words[2 * i + 1], 0x7531) >> 4 & 0x08080808u);
    }
    return make_uint2(words[0], words[1]);
  } else {
    unpack<T>(octet, values);
    positions_of<T, K>(values, operand, reciprocal, zero_point);
    return codes_of<K>(values, scheme.smallest(), scheme.largest());
  }
}

// Codes of up to eight weights from `element` on, weight by weight.
template <typename T>
__device__ __forceinline__ uint2 codes_one_by_one(const Matrix& matrix, const Scheme& scheme, const Scale& scale,
                                                  long long element, int count) {
  unsigned long long bytes = 0;
#pragma unroll 1
  for (int i = 0; i < count; i++) {
    float position = position_of<T>(T::at(matrix.weights, element + i), scale, scheme);
    bytes |= static_cast<unsigned long long>(code_of(position, scheme)) << 8 * i;
  }
  return make_uint2(static_cast<uint32_t>(bytes), static_cast<uint32_t>(bytes >> 32));
}

// The lowest `bits` bits of four bytes, side by side.
__device__ __forceinline__ uint32_t squeeze(uint32_t bytes, int bits) {
  uint32_t mask = (1u << bits) - 1u;
  uint32_t pairs = (bytes & mask * 0x00010001u) | (bytes >> (8 - bits) & (mask << bits) * 0x00010001u);
  uint32_t wide = (1u << 2 * bits) - 1u;
  return (pairs & wide) | (pairs >> (16 - 2 * bits) & wide << 2 * bits);
}

// Eight codes as they lie in memory, from the lowest bit on.
__device__ __forceinline__ unsigned long long stream_of(uint2 codes, const Scheme& scheme) {
  if (!scheme.packed()) return codes.x | static_cast<unsigned long long>(codes.y) << 32;
  uint32_t bias = (scheme.storage & kBiased) ? 0x01010101u << (scheme.bits - 1) : 0u;
  return squeeze(codes.x ^ bias, scheme.bits) |
         static_cast<unsigned long long>(squeeze(codes.y ^ bias, scheme.bits)) << 4 * scheme.bits;
}

__device__ __forceinline__ void store_bytes(unsigned char* to, unsigned long long stream, int bytes) {
#pragma unroll 1
  for (int i = 0; i < bytes; i++, stream >>= 8) to[i] = static_cast<unsigned char>(stream);
}

// Eight codes of 4 bits.
__device__ __forceinline__ uint32_t nibbles_of(uint2 codes, const Scheme& scheme) {
  const uint32_t low = (codes.x & 0x0F0F0F0Fu) | (codes.x >> 4 & 0xF0F0F0F0u);
  const uint32_t high = (codes.y & 0x0F0F0F0Fu) | (codes.y >> 4 & 0xF0F0F0F0u);
  return __byte_perm(low, high, 0x6420) ^ ((scheme.storage & kBiased) ? 0x88888888u : 0u);
}

// Writes octets of a matrix whose rows have no padding and whose codes begin at a multiple of 8. `place(i)` is where octet
// i lies, counted in octets, negative for nowhere. The storage is looked at once for all of them.
template <int kCount, class Place>
__device__ __forceinline__ void store_octets(const Matrix& matrix, const Scheme& scheme, const uint2 (&codes)[kCount],
                                             Place place) {
  const int width = scheme.packed() ? scheme.bits : 0;
  if (width == 0) {
#pragma unroll
    for (int i = 0; i < kCount; i++) {
      if (place(i) >= 0) reinterpret_cast<uint2*>(matrix.codes)[place(i)] = codes[i];
    }
  } else if (width == 4) {
#pragma unroll
    for (int i = 0; i < kCount; i++) {
      if (place(i) >= 0) {
        reinterpret_cast<uint32_t*>(matrix.codes)[place(i)] = nibbles_of(codes[i], scheme);
      }
    }
  } else if (width == 8) {
#pragma unroll
    for (int i = 0; i < kCount; i++) {
      if (place(i) >= 0) reinterpret_cast<unsigned long long*>(matrix.codes)[place(i)] = stream_of(codes[i], scheme);
    }
  } else {
#pragma unroll
    for (int i = 0; i < kCount; i++) {
      if (place(i) >= 0) store_bytes(matrix.codes + place(i) * width, stream_of(codes[i], scheme), width);
    }
  }
}

// Writes the codes of weights [column, column + 8) of any row, or up to its end; what is left of the row's last word is
// filled with zeros.
__device__ __forceinline__ void store_codes(const Matrix& matrix, const Scheme& scheme, long long row, int column,
                                            uint2 codes) {
  const int count = min(8, matrix.columns - column);
  const int bits = scheme.packed() ? scheme.bits : 8;
  const int begin = column / 8 * bits;
  const long long row_bytes = scheme.row_bytes(matrix.columns);
  const int bytes = column + 8 < matrix.columns ? bits : static_cast<int>(row_bytes) - begin;
  unsigned long long stream = stream_of(codes, scheme);
  if (count < 8) stream &= (1ull << count * bits) - 1ull;
  store_bytes(matrix.codes + row * row_bytes + begin, stream, bytes);
}

}  // namespace quantize
