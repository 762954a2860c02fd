// For the bench: operands on host and device, and what Y must be, in double.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>

#include "bench_kernels.cuh"

namespace decode_bench {

inline float decode_fp8(uint8_t code, Kind kind) {
  const __half_raw raw = __nv_cvt_fp8_to_halfraw(code, kind == Kind::kE4m3 ? __NV_E4M3 : __NV_E5M2);
  return __half2float(__half(raw));
}

// A matrix [rows, columns], columns contiguous, as bytes for the device and as numbers.
struct Matrix {
  int rows, columns;
  std::vector<uint8_t> bytes;
  std::vector<float> values;

  // Normal values (int8: uniform codes); with `extremes` every finite code is as likely as every other.
  static Matrix random(bench::Random& random, int rows, int columns, Kind kind, bool extremes = false) {
    Matrix matrix{rows, columns, {}, {}};
    const size_t count = static_cast<size_t>(rows) * columns;
    matrix.values.resize(count);
    matrix.bytes.resize(count * (kind == Kind::kBf16 ? 2 : 1));
    for (size_t i = 0; i < count; i++) {
      if (kind == Kind::kBf16) {
        const __nv_bfloat16 value = __float2bfloat16(random.normal());
        std::memcpy(&matrix.bytes[2 * i], &value, 2);
        matrix.values[i] = __bfloat162float(value);
      } else if (kind == Kind::kInt8) {
        matrix.bytes[i] = static_cast<uint8_t>(random.bits() >> 56);
        matrix.values[i] = static_cast<int8_t>(matrix.bytes[i]);
      } else {
        const auto format = kind == Kind::kE4m3 ? __NV_E4M3 : __NV_E5M2;
        uint8_t code = extremes ? static_cast<uint8_t>(random.bits() >> 56)
                                : __nv_cvt_float_to_fp8(random.normal() * 16, __NV_SATFINITE, format);
        const uint8_t largest = kind == Kind::kE4m3 ? 0x7E : 0x7B;
        if ((code & 0x7F) > largest) code = (code & 0x80) | largest;
        matrix.bytes[i] = code;
        matrix.values[i] = decode_fp8(code, kind);
      }
    }
    return matrix;
  }
};

inline std::vector<float> random_floats(bench::Random& random, size_t count, double low, double high) {
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(low + (high - low) * random.uniform());
  return values;
}

inline int bytes_of(int out) { return out == gemm_decode::kOutFp32 ? 4 : 2; }

inline double decode_output(const std::vector<uint8_t>& bytes, size_t i, int out) {
  if (out == gemm_decode::kOutFp32) {
    float value;
    std::memcpy(&value, &bytes[4 * i], 4);
    return value;
  }
  uint16_t code;
  std::memcpy(&code, &bytes[2 * i], 2);
  if (out == gemm_decode::kOutBf16) {
    const uint32_t word = static_cast<uint32_t>(code) << 16;
    float value;
    std::memcpy(&value, &word, 4);
    return value;
  }
  __half_raw raw;
  raw.x = code;
  return __half2float(__half(raw));
}

// Everything that a case of one shape needs, for any M up to 128. Weights, scales and bias are in the order of the tiled rows.
class Operands {
 public:
  const Family& family;
  const int n, k, k_blocks;
  Matrix x, w;
  std::vector<float> scale_x, scale_w, bias;  // [128] or [128, k blocks]; [n] or [row blocks, k blocks]; [n]
  std::vector<float> residual;                // [128 * n], exact in every output format

  Operands(bench::Random& random, const Family& family, int n, int k, bool extremes = false)
      : family(family), n(n), k(k), k_blocks(gemm_decode::ceil_div(k, 128)),
        x(Matrix::random(random, 128, k, family.x, extremes)), w(Matrix::random(random, n, k, family.w, extremes)) {
    const int row_blocks = 2 * gemm_decode::ceil_div(n, 128) + 2;
    // Results far above the subnormals of fp16, where a relative bound means nothing, and, gated, within its range.
    const double scale = family.x == Kind::kBf16 ? 20 : family.x == Kind::kInt8 ? 0.5 : 1;
    scale_x = random_floats(random, family.block_scales ? 128 * k_blocks : 128, 0.005 * scale, 0.02 * scale);
    scale_w = random_floats(random, family.block_scales ? row_blocks * k_blocks : n, 0.005 * scale, 0.02 * scale);
    bias = random_floats(random, n, -1, 1);
    residual.resize(static_cast<size_t>(128) * n);
    for (float& value : residual) value = static_cast<float>(static_cast<int>(random.bits() % 129) - 64) / 32;
  }

  // The sum of column `row` of Y before the gate, in double.
  double sum(int m, int row, int flags) const {
    const float* a = &x.values[static_cast<size_t>(m) * k];
    const float* b = &w.values[static_cast<size_t>(row) * k];
    double sum = 0;
    if (family.block_scales) {
      const bool gate = flags & gemm_decode::kGate;
      const int row_block = gate ? row / 2 / 128 + row % 2 * gemm_decode::ceil_div(n / 2, 128) : row / 128;
      for (int block = 0; block < k_blocks; block++) {
        double part = 0;
        for (int i = block * 128; i < std::min(k, block * 128 + 128); i++) part += static_cast<double>(a[i]) * b[i];
        sum += part * scale_x[static_cast<size_t>(m) * k_blocks + block] * scale_w[static_cast<size_t>(row_block) * k_blocks + block];
      }
      return sum;
    }
    for (int i = 0; i < k; i++) sum += static_cast<double>(a[i]) * b[i];
    return sum * scale_x[flags & gemm_decode::kScalePerRow ? m : 0] * scale_w[flags & gemm_decode::kScalePerChannel ? row : 0];
  }

  double expected(int m, int column, int flags, bool with_bias, bool with_residual) const {
    const auto biased = [&](int row) { return sum(m, row, flags) + (with_bias ? bias[row] : 0.0f); };
    const int columns = flags & gemm_decode::kGate ? n / 2 : n;
    double value;
    if (flags & gemm_decode::kGate) {
      const double gate = biased(2 * column);
      value = gate / (1 + std::exp(-gate)) * biased(2 * column + 1);
    } else {
      value = biased(column);
    }
    return value + (with_residual ? residual[static_cast<size_t>(m) * columns + column] : 0.0f);
  }
};

inline std::vector<uint8_t> encode_residual(const std::vector<float>& values, size_t count, int out) {
  std::vector<uint8_t> bytes(count * bytes_of(out));
  for (size_t i = 0; i < count; i++) {
    if (out == gemm_decode::kOutFp32) {
      std::memcpy(&bytes[4 * i], &values[i], 4);
    } else if (out == gemm_decode::kOutBf16) {
      const __nv_bfloat16 value = __float2bfloat16(values[i]);
      std::memcpy(&bytes[2 * i], &value, 2);
    } else {
      const __half value = __float2half(values[i]);
      std::memcpy(&bytes[2 * i], &value, 2);
    }
  }
  return bytes;
}

}  // namespace decode_bench
