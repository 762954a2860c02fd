// nvfp4_bounds.cuh against divisions: under the scales of every e4m3 code and every factor, bounds and the numbers below them.
#pragma once

#include "bench.cuh"
#include "nvfp4_bounds.cuh"

namespace bound_checks {

using quantize::nvfp4::kBounds;

template <bool kBf16>
inline float value_of(uint32_t bits) {
  const uint16_t code = static_cast<uint16_t>(bits);
  return kBf16 ? numbers::bf16_to_float(code) : numbers::fp16_to_float(code);
}

// Codes keep the order of magnitudes, so that a bound and the number below it decide for all.
template <bool kBf16>
inline bool decides(uint32_t bound, float scale, int i) {
  const float reached = value_of<kBf16>(bound), below = value_of<kBf16>(bound - 1);
  return (std::isinf(reached) || numbers::float_to_e2m1(reached / scale) > i) && numbers::float_to_e2m1(below / scale) <= i;
}

inline std::vector<float> scales(bool bf16) {
  std::vector<float> list;
  for (uint32_t factor = 1; factor < (bf16 ? 0x7F80u : 0x7C00u); factor++) {
    for (int code = 1; code < 127; code++) {
      const float scale = numbers::e4m3_to_float(static_cast<uint8_t>(code)) / (bf16 ? value_of<true>(factor) : value_of<false>(factor));
      if (scale >= 0x1p-64f && scale <= 0x1p16f) list.push_back(scale);
    }
  }
  return list;
}

template <bool kBf16>
__global__ void bounds_of(const float* scales, uint32_t* out, int count) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count * kBounds) out[i] = quantize::nvfp4::bound<kBf16>(scales[i / kBounds], i % kBounds);
}

template <bool kBf16>
inline void check(bench::Checks& checks, const std::string& name) {
  const std::vector<float> all = scales(kBf16);
  std::vector<uint32_t> host;
  std::vector<int> wrong;   // numbers of bounds
  for (float scale : all) {
    for (int i = 0; i < kBounds; i++) {
      host.push_back(quantize::nvfp4::bound<kBf16>(scale, i));
      if (!decides<kBf16>(host.back(), scale, i)) wrong.push_back(static_cast<int>(host.size()));
    }
  }
  checks.same("numbers/nvfp4-bounds-" + name, wrong, {});
  const bench::Device<float> in(all);
  const bench::Device<uint32_t> out(host.size());
  bounds_of<kBf16><<<static_cast<unsigned>((host.size() + 255) / 256), 256>>>(in.data(), out.data(), static_cast<int>(all.size()));
  LAUNCHED();
  checks.same("numbers/nvfp4-bounds-device-" + name, out.host(), host, out.guards_hold());
}

}  // namespace bound_checks
