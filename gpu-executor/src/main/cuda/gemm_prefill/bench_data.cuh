// Random operands of the prefill bench, and the product in double.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp8.h>

#include "../include/bench.cuh"

namespace {

enum class Kind { kE4m3, kE4m3Block, kInt8, kBf16 };

inline std::string name(Kind kind) {
  return kind == Kind::kE4m3 ? "e4m3" : kind == Kind::kE4m3Block ? "e4m3_block" : kind == Kind::kInt8 ? "int8" : "bf16";
}
inline int element_bytes(Kind kind) { return kind == Kind::kBf16 ? 2 : 1; }
inline int blocks_of(Kind kind, int k) { return (k * element_bytes(kind) + 127) / 128; }

// 65,536 normal numbers in the type, picked at random: fast enough for operands of 100 million elements.
class Codes {
 public:
  explicit Codes(Kind kind) : kind_(kind), codes_(65536) {
    bench::Random random(17);
    for (uint16_t& code : codes_) {
      const float value = random.normal();
      const float clamped = std::max(-127.0f, std::min(127.0f, std::rint(40 * value)));
      if (kind == Kind::kBf16) code = __bfloat16_as_ushort(__float2bfloat16_rn(value));
      else if (kind == Kind::kInt8) code = static_cast<uint8_t>(static_cast<int8_t>(clamped));
      else code = __nv_cvt_float_to_fp8(value * 16.0f, __NV_SATFINITE, __NV_E4M3);
    }
    if (kind == Kind::kE4m3 || kind == Kind::kE4m3Block) {
      for (int i = 0; i < 256; i++) {
        e4m3_[i] = __half2float(__half(__nv_cvt_fp8_to_halfraw(static_cast<__nv_fp8_storage_t>(i), __NV_E4M3)));
      }
    }
  }

  std::vector<uint8_t> matrix(size_t rows, size_t k, uint64_t seed) const {
    bench::Random random(seed);
    const int size = element_bytes(kind_);
    std::vector<uint8_t> bytes(rows * k * size);
    for (size_t i = 0; i < rows * k; i += 4) {
      const uint64_t bits = random.bits();
      for (size_t j = 0; j < 4 && i + j < rows * k; j++) {
        std::memcpy(&bytes[(i + j) * size], &codes_[bits >> (16 * j) & 0xFFFF], size);
      }
    }
    return bytes;
  }

  double value(const std::vector<uint8_t>& bytes, size_t at) const {
    if (kind_ == Kind::kInt8) return static_cast<int8_t>(bytes[at]);
    if (kind_ != Kind::kBf16) return e4m3_[bytes[at]];
    uint16_t bits;
    std::memcpy(&bits, &bytes[2 * at], 2);
    return __bfloat162float(__ushort_as_bfloat16(bits));
  }

 private:
  Kind kind_;
  std::vector<uint16_t> codes_;
  double e4m3_[256] = {};
};

// X [m, k], W [n, k] and their scales; one output in double.
struct Operands {
  Kind kind;
  int m, n, k;
  Codes codes;
  std::vector<uint8_t> x, w;
  std::vector<float> x_scales, w_scales;

  Operands(Kind kind_, int m_, int n_, int k_, uint64_t seed)
      : kind(kind_), m(m_), n(n_), k(k_), codes(kind_), x(codes.matrix(m_, k_, seed)), w(codes.matrix(n_, k_, seed + 1)) {
    const int blocks = kind == Kind::kE4m3Block ? blocks_of(kind, k) : 1;
    const int columns = kind == Kind::kE4m3Block ? (n + 127) / 128 : n;
    bench::Random random(seed + 2);
    for (int i = 0; i < m * blocks; i++) x_scales.push_back(static_cast<float>(0.5 + random.uniform()));
    for (int i = 0; i < columns * blocks; i++) w_scales.push_back(static_cast<float>(0.01 + 0.01 * random.uniform()));
  }

  double output(int row, int column) const {
    double sum = 0;
    const int blocks = blocks_of(kind, k);
    for (int first = 0; first < k; first += 128) {
      double part = 0;
      const int end = std::min(k, first + 128);
      for (int i = first; i < end; i++) {
        part += codes.value(x, static_cast<size_t>(row) * k + i) * codes.value(w, static_cast<size_t>(column) * k + i);
      }
      if (kind == Kind::kE4m3Block) {
        part *= static_cast<double>(x_scales[static_cast<size_t>(row) * blocks + first / 128]) *
                w_scales[static_cast<size_t>(column / 128) * blocks + first / 128];
      }
      sum += part;
    }
    return kind == Kind::kE4m3Block || kind == Kind::kBf16 ? sum : sum * x_scales[row] * w_scales[column];
  }
};

}  // namespace
