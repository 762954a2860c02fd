// Random weights and activations of the int4 bench, and the product in double.
#pragma once

#include "../include/bench.cuh"

namespace {

using gemm_int4::Type;

inline std::string name(Type type) { return type == Type::kBf16 ? "bf16" : type == Type::kFp16 ? "fp16" : "e4m3"; }

// A 16-bit float as a number, and a number in it, rounded to nearest even.
inline double widen(Type type, uint16_t bits) {
  if (type == Type::kFp16) return __half2float(__ushort_as_half(bits));
  return __bfloat162float(__ushort_as_bfloat16(bits));
}
inline uint16_t narrow(Type type, float value) {
  if (type == Type::kFp16) return __half_as_ushort(__float2half_rn(value));
  return __bfloat16_as_ushort(__float2bfloat16_rn(value));
}

// group 0: a scale a row.
struct Case {
  Type type;
  int group;
  bool asymmetric;

  int tile_group() const { return group == 0 ? 128 : group; }
  int element_bytes() const { return type == Type::kE4m3 ? 1 : 2; }
  std::string label() const {
    return name(type) + (group == 0 ? "_row" : "_g" + std::to_string(group)) + (asymmetric ? "_asym" : "");
  }
};

inline std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (Type type : {Type::kBf16, Type::kFp16, Type::kE4m3}) {
    for (int group : {0, 32, 64, 128}) {
      cases.push_back({type, group, false});
      if (type != Type::kE4m3) cases.push_back({type, group, true});
    }
  }
  return cases;
}

// Codes -8..7 [N, K], scales and zero points [N, groups].
struct Weights {
  int n, k, groups;
  bool asymmetric;
  std::vector<int8_t> codes, zeros;
  std::vector<uint16_t> scale_bits;
  std::vector<double> values;   // (q - z) s

  Weights(const Case& c, int n_, int k_, uint64_t seed)
      : n(n_), k(k_), groups(c.group == 0 ? 1 : k_ / c.group), asymmetric(c.asymmetric) {
    bench::Random random(seed);
    const Type scale_type = c.type == Type::kFp16 ? Type::kFp16 : Type::kBf16;
    for (int i = 0; i < n * groups; i++) {
      scale_bits.push_back(narrow(scale_type, static_cast<float>(0.002 + 0.02 * random.uniform())));
      zeros.push_back(static_cast<int8_t>(asymmetric ? static_cast<int>(random.bits() % 16) - 8 : 0));
    }
    for (int row = 0; row < n; row++) {
      for (int column = 0; column < k; column++) {
        codes.push_back(static_cast<int8_t>(static_cast<int>(random.bits() % 16) - 8));
        const int at = row * groups + (c.group == 0 ? 0 : column / c.group);
        values.push_back((codes.back() - zeros[at]) * widen(scale_type, scale_bits[at]));
      }
    }
  }

  std::vector<uint32_t> packed_codes() const {
    std::vector<uint32_t> words(static_cast<size_t>(n) * k / 8);
    for (size_t i = 0; i < codes.size(); i++) words[i / 8] |= static_cast<uint32_t>(codes[i] + 8) << (i % 8 * 4);
    return words;
  }

  // Eight a word along N.
  std::vector<uint32_t> packed_zeros() const {
    std::vector<uint32_t> words(static_cast<size_t>((n + 7) / 8) * groups);
    for (int row = 0; row < n; row++) {
      for (int g = 0; g < groups; g++) {
        words[row / 8 * groups + g] |= static_cast<uint32_t>(zeros[row * groups + g] + 8) << (row % 8 * 4);
      }
    }
    return words;
  }
};

// 128 rows of X in its type, and with their scales as numbers. Rows 5 and 77 equal row 0.
struct Activations {
  static constexpr int kRows = 128;
  int k;
  std::vector<uint8_t> bytes;
  std::vector<float> scales;
  std::vector<double> values;

  Activations(const Case& c, int k_, uint64_t seed) : k(k_) {
    bench::Random random(seed);
    const int size = c.element_bytes();
    bytes.resize(static_cast<size_t>(kRows) * k * size);
    values.resize(static_cast<size_t>(kRows) * k);
    for (int row = 0; row < kRows; row++) {
      const bool copy = row == 5 || row == 77;
      scales.push_back(copy ? scales[0] : static_cast<float>(0.5 + random.uniform()));
      for (int i = 0; i < k; i++) {
        const size_t at = static_cast<size_t>(row) * k + i;
        const double value = encode(c.type, random.normal(), &bytes[at * size]);
        values[at] = c.type == Type::kE4m3 ? value * scales[row] : value;
      }
      if (copy) {
        std::memcpy(&bytes[static_cast<size_t>(row) * k * size], bytes.data(), static_cast<size_t>(k) * size);
        std::copy(values.begin(), values.begin() + k, values.begin() + static_cast<size_t>(row) * k);
      }
    }
  }

 private:
  // Writes `value` rounded to the type, and returns what it holds.
  static double encode(Type type, float value, uint8_t* to) {
    if (type == Type::kE4m3) {
      *to = __nv_cvt_float_to_fp8(value * 32.0f, __NV_SATFINITE, __NV_E4M3);
      return __half2float(__half(__nv_cvt_fp8_to_halfraw(*to, __NV_E4M3)));
    }
    const uint16_t bits = narrow(type, value);
    std::memcpy(to, &bits, 2);
    return widen(type, bits);
  }
};

// X W^T [128, N] in double.
inline std::vector<double> product(const Weights& w, const Activations& x) {
  std::vector<double> y;
  y.reserve(static_cast<size_t>(Activations::kRows) * w.n);
  for (int row = 0; row < Activations::kRows; row++) {
    for (int column = 0; column < w.n; column++) {
      const double* a = &x.values[static_cast<size_t>(row) * x.k];
      const double* b = &w.values[static_cast<size_t>(column) * w.k];
      double sums[4] = {0, 0, 0, 0};
      for (int i = 0; i < w.k; i += 4) {
        for (int j = 0; j < 4; j++) sums[j] += a[i + j] * b[i + j];
      }
      y.push_back(sums[0] + sums[1] + sums[2] + sums[3]);
    }
  }
  return y;
}

}  // namespace
