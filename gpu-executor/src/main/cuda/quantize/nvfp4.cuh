// NVFP4 of compressed-tensors for weights of 16 bits: a thread a group of 16, and no division.
//
// A scale is one of 127 numbers, e4m3 over the factor of the tensor. Under a given scale the e2m1 code of a magnitude is the
// number of seven bounds that it reaches, each the least number of the type for which the fp32 quotient, rounded, passes the
// half-way point between two codes. A block finds scales and bounds of all e4m3 codes once, then walks over groups; the rest
// are subtractions, two weights each, whose signs are the answers.
#pragma once

#include "codes.cuh"
#include "nvfp4_bounds.cuh"
#include "reduce.cuh"

namespace quantize::nvfp4 {

constexpr int kGroup = 16;
constexpr int kScales = 128;  // e4m3 codes without a sign
constexpr int kAhead = 2;     // groups of a thread that are being read

__host__ __device__ inline bool usable(const Scheme& scheme, int group) {
  return scheme.rule == kCtNv && scheme.storage == (kPacked | kByteScale) && group == kGroup;
}

// Of each scale: itself, and its bounds in the halves of four words. The eighth half is 1 where groups may use them.
struct Table {
  uint4 bounds[kScales];
  float scales[kScales];

  template <typename T>
  __device__ __forceinline__ void fill(float factor) {
    for (int code = threadIdx.x; code < kScales; code += blockDim.x) {
      const float scale = __fdiv_rn(numbers::e4m3_to_float(static_cast<uint8_t>(code)), factor);
      uint32_t words[4] = {0, 0, 0, 0};
      // Where no quotient underflows to a zero, whose sign would be lost, and no bound does.
      if (scale >= 0x1p-64f && scale <= 0x1p16f) {
#pragma unroll
        for (int i = 0; i < kBounds; i++) words[i / 2] |= bound<T::kRangeOfFp32>(scale, i) << i % 2 * 16;
        words[3] |= 0x00010000u;
      }
      bounds[code] = make_uint4(words[0], words[1], words[2], words[3]);
      scales[code] = scale;
    }
  }
};

// Each half of `word` twice: the bounds of two weights.
__device__ __forceinline__ void twice(uint32_t word, uint32_t& low, uint32_t& high) {
  low = __byte_perm(word, 0, 0x1010);
  high = __byte_perm(word, 0, 0x3232);
}

// a where `mask` is set, else b.
__device__ __forceinline__ uint32_t select(uint32_t mask, uint32_t a, uint32_t b) { return (a & mask) | (b & ~mask); }

// What is known of two weights, in the highest bit of each half: the sign, and the bits of the code inverted.
struct Bits {
  uint32_t sign, fours, twos, ones;
};

template <typename T>
__device__ __forceinline__ Bits bits_of(uint32_t pair, const uint32_t (&bounds)[8]) {
  const uint32_t magnitudes = pair & 0x7FFF7FFFu;
  uint32_t below[kBounds];  // negative where the bound is not reached
#pragma unroll
  for (int i = 0; i < kBounds; i++) below[i] = T::subtract2(magnitudes, bounds[i]);
  Bits bits;
  bits.sign = T::multiply_add2(pair, T::twice(1.0f), 0u);  // a negative zero has the code of a positive one
  bits.fours = below[3];
  bits.twos = below[1] ^ below[3] ^ below[5];
  bits.ones = below[0] ^ below[2] ^ bits.twos ^ below[4] ^ below[6];
  return bits;
}

// Of two pairs, in the highest bit of each byte: weights 0, 2, 1, 3.
__device__ __forceinline__ uint32_t gather(uint32_t first, uint32_t second) { return __byte_perm(first, second, 0x7351); }

// Codes of two pairs, in the upper half of each byte.
__device__ __forceinline__ uint32_t codes_of_four(const Bits& first, const Bits& second) {
  const uint32_t upper = select(0x80808080u, gather(first.sign, second.sign), ~(gather(first.fours, second.fours) >> 1));
  const uint32_t lower = select(0x80808080u, ~gather(first.twos, second.twos), ~(gather(first.ones, second.ones) >> 1));
  return select(0xC0C0C0C0u, upper, lower >> 2);
}

// Eight codes of 4 bits, the first lowest.
template <typename T>
__device__ __forceinline__ uint32_t codes_of_eight(const Octet<T>& octet, const uint32_t (&bounds)[8]) {
  const uint32_t first = codes_of_four(bits_of<T>(octet.words[0], bounds), bits_of<T>(octet.words[1], bounds));
  const uint32_t second = codes_of_four(bits_of<T>(octet.words[2], bounds), bits_of<T>(octet.words[3], bounds));
  return select(0xF0F0F0F0u, __byte_perm(first, second, 0x7632), __byte_perm(first, second, 0x5410) >> 4);
}

// The largest magnitude; NaN or infinite when one of them is.
template <typename T>
__device__ __forceinline__ float amax_of(const Octet<T> (&octets)[2]) {
  uint32_t largest = 0;
#pragma unroll
  for (int i = 0; i < 8; i++) largest = T::larger(largest, octets[i / 4].words[i % 4] & 0x7FFF7FFFu);
  return T::low(T::larger(largest, largest >> 16));
}

// A group with a NaN or an infinity, or with magnitudes that the table does not stand for.
template <typename T>
__device__ __noinline__ void one_by_one(Matrix matrix, Scheme scheme, long long group) {
  Range range = {0.0f, 0.0f};
  bool finite = true;
#pragma unroll
  for (int i = 0; i < 2; i++) {
    const Octet<T> octet = load_octet<T>(matrix.weights, kGroup * group + 8 * i);
    finite = finite && range_of<T>(octet).finite();
    range = merge(range, finite_range_of<T>(octet));
  }
  const Scale scale = quantize::nv<T>(range.amax(), matrix.tensor[0]);
  const uint2 codes[2] = {codes_one_by_one<T>(matrix, scheme, scale, kGroup * group, 8),
                          codes_one_by_one<T>(matrix, scheme, scale, kGroup * group + 8, 8)};
  store_octets(matrix, scheme, codes, [group](int i) { return 2 * group + i; });
  write_scale<T>(matrix, scheme, group, scale, flags_of(scheme, scale, range, finite));
}

template <typename T>
__device__ __forceinline__ void quantize_group(const Matrix& matrix, const Scheme& scheme, const Table& table, float factor,
                                               const Octet<T> (&octets)[2], long long group) {
  const float amax = amax_of<T>(octets);
  // As rules.cuh's nv: one correction does where its residual does not underflow.
  const float sixth = T::round(divide_once(amax, 6.0f, 1.0f / 6.0f));
  int code = numbers::float_to_e4m3(__fmul_rn(sixth, factor)) & (kScales - 1);
  if (code == 0) code = kSmallestCode;
  const uint4 words = table.bounds[code];
  if (!(amax <= kLargestFloat) || (amax < 0x1p-64f && amax != 0.0f) || words.w >> 16 == 0) {
    one_by_one<T>(matrix, scheme, group);
    return;
  }
  uint32_t bounds[8];
  twice(words.x, bounds[0], bounds[1]);
  twice(words.y, bounds[2], bounds[3]);
  twice(words.z, bounds[4], bounds[5]);
  twice(words.w, bounds[6], bounds[7]);
  reinterpret_cast<uint2*>(matrix.codes)[group] =
      make_uint2(codes_of_eight<T>(octets[0], bounds), codes_of_eight<T>(octets[1], bounds));
  matrix.scales[group] = static_cast<unsigned char>(code);
  if (matrix.records != nullptr) {
    const Scale scale = {table.scales[code], table.scales[code], 0.0f, code};
    write_scale<T>(matrix, scheme, group, scale, flags_of(scheme, scale, {0.0f, amax}, true));
  }
}

template <typename T>
__device__ __forceinline__ void load_group(const Matrix& matrix, long long group, long long groups, Octet<T> (&to)[2]) {
  if (group >= groups) return;
#pragma unroll
  for (int i = 0; i < 2; i++) to[i] = load_octet<T>(matrix.weights, kGroup * group + 8 * i);
}

// Any grid; the block of quantize_groups. While a group is worked on, the next ones are being read.
template <typename T>
__device__ __forceinline__ void quantize_groups(const Matrix& matrix, const Scheme& scheme) {
  __shared__ Table table;
  const long long groups = static_cast<long long>(matrix.rows) * (matrix.columns / kGroup);
  const long long stride = static_cast<long long>(gridDim.x) * blockDim.x;
  long long group = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x;
  reduce::release_successor();
  reduce::wait_for_predecessor();
  const float factor = matrix.tensor[0];
  Octet<T> held[kAhead][2];
#pragma unroll
  for (int i = 0; i < kAhead; i++) load_group<T>(matrix, group + i * stride, groups, held[i]);
  table.fill<T>(factor);
  __syncthreads();
  while (group < groups) {
#pragma unroll
    for (int i = 0; i < kAhead; i++) {
      const Octet<T> octets[2] = {held[i][0], held[i][1]};
      load_group<T>(matrix, group + kAhead * stride, groups, held[i]);
      if (group < groups) quantize_group<T>(matrix, scheme, table, factor, octets, group);
      group += stride;
    }
  }
}

}  // namespace quantize::nvfp4
