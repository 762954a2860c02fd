// Random operands of the portable bench for every kind of types and scales, and the product in double.
#pragma once

#include <memory>

#include <cuda_fp8.h>

#include "../gemm_int4/bench_data.cuh"
#include "numbers.cuh"

namespace {

enum class Code { kE4m3, kE5m2, kInt8, kBf16, kFp16 };

inline int bytes_of(Code code) { return code == Code::kBf16 || code == Code::kFp16 ? 2 : 1; }

inline double decode(Code code, const uint8_t* from) {
  uint16_t wide;
  std::memcpy(&wide, from, 2 * (bytes_of(code) == 2));
  switch (code) {
    case Code::kE4m3: return numbers::e4m3_to_float(*from);
    case Code::kE5m2: return numbers::e5m2_to_float(*from);
    case Code::kInt8: return static_cast<int8_t>(*from);
    case Code::kBf16: return numbers::bf16_to_float(wide);
    default: return numbers::fp16_to_float(wide);
  }
}

inline void encode(Code code, float value, uint8_t* to) {
  if (code == Code::kE4m3) *to = numbers::float_to_e4m3(16 * value);
  else if (code == Code::kE5m2) *to = numbers::float_to_e5m2(16 * value);
  else if (code == Code::kInt8) {
    *to = static_cast<uint8_t>(static_cast<int8_t>(std::max(-127.0f, std::min(127.0f, std::rint(40 * value)))));
  } else {
    const uint16_t wide = code == Code::kBf16 ? numbers::float_to_bf16(value) : numbers::float_to_fp16(value);
    std::memcpy(to, &wide, 2);
  }
}

// One way to multiply. group: of int4 weights (0: a scale a row), -1 when W is of a type of its own.
struct Kind {
  const char* types;
  Code x, w;
  bool blocks;
  int group;
  bool asymmetric;

  bool int4() const { return group >= 0; }
  int tile_group() const { return group == 0 ? 128 : group; }
  std::string label() const {
    return !int4() ? types : std::string(types) + (group == 0 ? "_row" : "_g" + std::to_string(group)) + (asymmetric ? "_asym" : "");
  }
  Type int4_type() const { return x == Code::kBf16 ? Type::kBf16 : x == Code::kFp16 ? Type::kFp16 : Type::kE4m3; }
};

inline std::vector<Kind> all_kinds() {
  std::vector<Kind> kinds = {{"e4m3", Code::kE4m3, Code::kE4m3, false, -1, false},
                             {"e5m2", Code::kE5m2, Code::kE4m3, false, -1, false},
                             {"e4m3_block", Code::kE4m3, Code::kE4m3, true, -1, false},
                             {"e5m2_block", Code::kE5m2, Code::kE4m3, true, -1, false},
                             {"int8", Code::kInt8, Code::kInt8, false, -1, false},
                             {"bf16", Code::kBf16, Code::kBf16, false, -1, false}};
  for (int group : {128, 0, 32, 64}) {
    for (bool asymmetric : {false, true}) {
      kinds.push_back({"int4_bf16", Code::kBf16, Code::kInt8, false, group, asymmetric});
      kinds.push_back({"int4_fp16", Code::kFp16, Code::kInt8, false, group, asymmetric});
    }
    kinds.push_back({"int4_e4m3", Code::kE4m3, Code::kInt8, false, group, false});
  }
  return kinds;
}

inline std::vector<uint8_t> random_codes(Code code, size_t count, uint64_t seed) {
  bench::Random random(seed);
  const int size = bytes_of(code);
  std::vector<uint8_t> table(4096 * size), bytes(count * size);
  for (size_t i = 0; i < 4096; i++) encode(code, random.normal(), &table[i * size]);
  for (size_t i = 0; i < count; i++) std::memcpy(&bytes[i * size], &table[random.bits() % 4096 * size], size);
  return bytes;
}

inline std::vector<double> decoded(Code code, const std::vector<uint8_t>& bytes) {
  std::vector<double> values;
  for (size_t i = 0; i < bytes.size(); i += bytes_of(code)) values.push_back(decode(code, &bytes[i]));
  return values;
}

// X [m, k], W [n, k], and their scales: x_scales [m] or [m, blocks of 128], w_scales [n] or [blocks, blocks]; none for 16-bit X.
struct Operands {
  Kind kind;
  int m, n, k;
  std::vector<uint8_t> x, w;
  std::vector<double> x_values, w_values;
  std::vector<float> x_scales, w_scales;
  std::unique_ptr<Weights> int4;

  Operands(const Kind& kind_, int m_, int n_, int k_, uint64_t seed)
      : kind(kind_), m(m_), n(n_), k(k_), x(random_codes(kind_.x, static_cast<size_t>(m_) * k_, seed)), x_values(decoded(kind_.x, x)) {
    if (kind.int4()) {
      int4 = std::make_unique<Weights>(Case{kind.int4_type(), kind.group, kind.asymmetric}, n, k, seed + 1);
      w_values = int4->values;
    } else {
      w = random_codes(kind.w, static_cast<size_t>(n) * k, seed + 1);
      w_values = decoded(kind.w, w);
    }
    bench::Random random(seed + 2);
    const int blocks = kind.blocks ? (k + 127) / 128 : 1;
    if (bytes_of(kind.x) == 1) {
      for (int i = 0; i < m * blocks; i++) x_scales.push_back(static_cast<float>(0.5 + random.uniform()));
    }
    if (bytes_of(kind.x) == 1 && !kind.int4()) {
      const int rows = kind.blocks ? (n + 127) / 128 + 1 : n;   // one block more: gate and up may end in a block each
      for (int i = 0; i < rows * blocks; i++) w_scales.push_back(static_cast<float>(0.01 + 0.01 * random.uniform()));
    }
  }

  // Before bias, gate and residual. gated: rows 2 i of W are gate, the others up, each with blocks of 128 rows of its own.
  double output(int row, int column, bool gated = false) const {
    const double* a = &x_values[static_cast<size_t>(row) * k];
    const double* b = &w_values[static_cast<size_t>(column) * k];
    const int blocks = (k + 127) / 128, w_block = gated ? column % 2 * ((n / 2 + 127) / 128) + column / 256 : column / 128;
    double sum = 0;
    for (int first = 0; first < k; first += 128) {
      double part = 0;
      for (int i = first; i < std::min(k, first + 128); i++) part += a[i] * b[i];
      if (kind.blocks) {
        part *= static_cast<double>(x_scales[static_cast<size_t>(row) * blocks + first / 128]) *
                w_scales[static_cast<size_t>(w_block) * blocks + first / 128];
      }
      sum += part;
    }
    if (kind.blocks) return sum;
    return sum * (x_scales.empty() ? 1 : x_scales[row]) * (w_scales.empty() ? 1 : w_scales[column]);
  }
};

}  // namespace
