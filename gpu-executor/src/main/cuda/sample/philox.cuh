// Philox4x32-10 (Salmon et al. 2011): random bits that follow from a key and a counter.
#pragma once

#include <cstdint>

namespace sample {

struct Words {
  uint32_t x[4];
};

__host__ __device__ inline uint32_t high_half(uint32_t a, uint32_t b) {
  return static_cast<uint32_t>(static_cast<uint64_t>(a) * b >> 32);
}

__host__ __device__ inline Words philox(Words counter, uint32_t key0, uint32_t key1) {
  constexpr uint32_t kMultiplier0 = 0xD2511F53u, kMultiplier1 = 0xCD9E8D57u, kWeyl0 = 0x9E3779B9u, kWeyl1 = 0xBB67AE85u;
  Words w = counter;
  for (int round = 0; round < 10; round++) {
    const Words before = w;
    w.x[0] = high_half(kMultiplier1, before.x[2]) ^ before.x[1] ^ key0;
    w.x[1] = kMultiplier1 * before.x[2];
    w.x[2] = high_half(kMultiplier0, before.x[0]) ^ before.x[3] ^ key1;
    w.x[3] = kMultiplier0 * before.x[0];
    key0 += kWeyl0;
    key1 += kWeyl1;
  }
  return w;
}

}  // namespace sample
