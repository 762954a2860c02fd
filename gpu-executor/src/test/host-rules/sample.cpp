// Prints what the arithmetic of sample gives on the host, one number a line, for TestSamplingRules.
#include "device_words.h"

#include <cstdio>

#include "sample/philox.cuh"
#include "sample/weight.cuh"

namespace {

int bits_of(float value) {
  int bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

}  // namespace

int main() {
  uint32_t state = 1;
  for (int i = 0; i < 20000; i++) {
    state = state * 1664525u + 1013904223u;
    const float logit = static_cast<float>(static_cast<int32_t>(state)) * 0x1p-26f;
    const float largest = i % 7 == 0 ? logit : 32.0f, scale = i % 3 == 0 ? 1.4426951f : i % 3 == 1 ? 2.0609930f : 0.5f;
    std::printf("weight %d %d %d = %llu\n", bits_of(logit), bits_of(largest), bits_of(scale),
                static_cast<unsigned long long>(sample::weight(logit, largest, scale)));
    std::printf("key %d = %d\n", bits_of(logit), sample::key(logit));
  }
  for (float odd : {0.0f, -0.0f, INFINITY, -INFINITY, 1e-45f, -1e-45f}) {
    std::printf("key %d = %d\n", bits_of(odd), sample::key(odd));
    if (odd > 1.0f) continue;  // none is above the largest
    std::printf("weight %d %d %d = %llu\n", bits_of(odd), bits_of(1.0f), bits_of(1.5f),
                static_cast<unsigned long long>(sample::weight(odd, 1.0f, 1.5f)));
  }
  for (uint32_t i = 0; i < 200; i++) {
    const sample::Words words = sample::philox({i, i * 77u, i << 25, i % 3}, i * 0x9E3779B9u, ~i);
    std::printf("philox %d %d %d %d %d %d = %08x %08x %08x %08x\n", static_cast<int>(i), static_cast<int>(i * 77u),
                static_cast<int>(i << 25), static_cast<int>(i % 3), static_cast<int>(i * 0x9E3779B9u), static_cast<int>(~i), words.x[0],
                words.x[1], words.x[2], words.x[3]);
  }
}
