// Codes of a map of numbers: how org.sparkao.gpu.optimizer.MapState finds them, with tables that DeviceMap.java makes.
#pragma once

#include <cstdint>

namespace adamw {

constexpr int kCodes = 256;          // room for; maps of 4 bits use 16
constexpr int kPrefixShift = 18;     // a prefix: exponent and 5 bits of the mantissa of a magnitude
constexpr int kPrefixBase = 103 << 5;  // of 2^-24
constexpr int kPrefixes = 24 * 32 + 1;  // up to 1
constexpr int kFirstBytes = 772;     // of one sign, kPrefixes and padding
constexpr int kBegins = kCodes + 4;  // and infinity behind the last

// What a moment's map is, in this order in device memory: numbers; the least number of each code from 1 on, then infinity;
// for positive and for negative numbers the code of the least number of each prefix.
struct Map {
  float numbers[kCodes];
  float begins[kBegins];
  uint8_t first[2][kFirstBytes];
};

// The code of a position in [-1, 1]: the last one that begins at or below it.
__device__ __forceinline__ int code_of(const Map& map, float position) {
  const uint32_t bits = __float_as_uint(position);
  const int prefix = static_cast<int>(bits << 1 >> (kPrefixShift + 1)) - kPrefixBase;
  int code = map.first[bits >> 31][max(0, min(kPrefixes - 1, prefix))];
  while (position >= map.begins[code + 1]) code++;
  return code;
}

}  // namespace adamw
