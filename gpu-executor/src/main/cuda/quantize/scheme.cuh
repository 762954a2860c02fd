// What a kernel is told about a scheme, as numbers, and what it finds out about a group.
// The numbers are those of org.sparkao.gpu.quantize.DeviceScheme.
#pragma once

#include <cstdint>

namespace quantize {

// Which arithmetic finds the scale of a group. `kCt...` are those of compressed-tensors, `kAo...` those of torchao.
enum Rule {
  kCtSymmetric = 0,   // AffineScale, integers and fp8
  kCtAsymmetric = 1,  // AffineScale
  kCtMicroscaling = 2,
  kCtNv = 3,
  kDeepSeek = 4,
  kAoInt8 = 5,        // AffineSpec.int8, symmetric
  kAoSymmetric = 6,   // AffineSpec.intx
  kAoAsymmetric = 7,
  kAoFloat8 = 8,
  kAoMicroscaling = 9,
  kAoNv = 10,
};

// What codes are.
enum Format { kInteger = 0, kE4m3 = 1, kE2m1 = 2 };

// How codes and scales lie in memory: a sum of these.
enum Storage {
  kPacked = 1,    // codes as a dense bit stream a row, else one a byte
  kBiased = 2,    // 2^(bits - 1) is added to packed codes
  kFloatScale = 4,  // scales are fp32, else of the type of the weight
  kByteScale = 8,   // scales are the bytes e8m0 or e4m3
};

// How a weight and the operand of its scale become the number that is rounded: org.sparkao.quant.algorithm.Quotient.
enum Quotient {
  kDivideInType,
  kDivide,
  kDivideKeepingSign,
  kMultiply,
  kMultiplyAndRound,
  kMultiplyAndRoundInType,
};

struct Scheme {
  int rule;
  int format;
  int bits;
  int storage;

  __device__ __forceinline__ bool integer() const { return format == kInteger; }
  __device__ __forceinline__ bool packed() const { return (storage & kPacked) != 0; }

  __device__ __forceinline__ float smallest() const {
    return integer() ? -static_cast<float>(1 << (bits - 1)) : -largest();
  }

  __device__ __forceinline__ float largest() const {
    return integer() ? static_cast<float>((1 << (bits - 1)) - 1) : format == kE4m3 ? 448.0f : 6.0f;
  }

  __device__ __forceinline__ int quotient() const {
    switch (rule) {
      case kCtNv: return kDivide;
      case kDeepSeek:
      case kAoMicroscaling:
      case kAoNv: return kMultiply;
      case kAoInt8: return kMultiplyAndRound;
      case kAoSymmetric:
      case kAoAsymmetric: return kMultiplyAndRoundInType;
      case kAoFloat8: return kDivideKeepingSign;
      default: return kDivideInType;
    }
  }

  // Bytes of a row of codes.
  __device__ __forceinline__ long long row_bytes(int columns) const {
    return packed() ? (static_cast<long long>(columns) * bits + 31) / 32 * 4 : columns;
  }
};

// The numbers of two schemes.
__device__ __forceinline__ bool same(const Scheme& a, const Scheme& b) {
  return a.rule == b.rule && a.format == b.format && a.bits == b.bits && a.storage == b.storage;
}

// What a rule decides about a group: org.sparkao.quant.algorithm.GroupScale.
struct Scale {
  float operand;     // what weights are divided by or multiplied with
  float dequantize;  // what a loader multiplies codes with
  float zero_point;  // a whole number
  int code;          // the stored form where it is a byte
};

// Smallest and largest finite value of a group, 0 included: no rule asks for more.
struct Range {
  float low;   // at most 0
  float high;  // at least 0; infinite when there was a NaN or an infinity and none was left out yet

  // The magnitude of zeros is positive whatever their signs.
  __device__ __forceinline__ float amax() const { return fabsf(fmaxf(-low, high)); }
  __device__ __forceinline__ bool finite() const { return high < __int_as_float(0x7F800000); }
};

// What a record says of its group beside the scale, in the bits of its last number.
enum Record {
  kCare = 1,     // sums of squares are kept in fp64
  kOneByOne = 2  // codes are found weight by weight: is_regular
};

// One weight matrix [rows, columns], columns contiguous, and what it becomes. Rows are those of a slice.
struct Matrix {
  const unsigned char* weights;
  unsigned char* codes;
  unsigned char* scales;     // [ceil(rows / group_rows), groups]
  signed char* zero_points;  // the same shape; null when there are none
  float4* records;           // the same: operand, dequantize, zero point, a sum of Record; null when not asked for
  const float* tensor;       // what is known of the whole tensor: its factor (NVFP4)
  int rows;
  int columns;
};

// Whether sums of squares of a group are kept in fp64: GroupRange.needsCare.
__device__ __forceinline__ bool needs_care(float amax, bool finite) {
  return !finite || amax > 0x1p40f || (amax < 0x1p-40f && amax != 0.0f);
}

}  // namespace quantize
