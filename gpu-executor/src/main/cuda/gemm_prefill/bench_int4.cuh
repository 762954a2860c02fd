// The int4 half of the prefill bench: weights of gemm_int4, X in bf16 or fp16.
#pragma once

#include "../gemm_int4/bench_data.cuh"
#include "bench_data.cuh"

namespace {

using Int4Kernel = void (*)(const uint8_t*, const uint8_t*, const float*, void*, int, int, int, int, int);

struct Int4Variant {
  const char* label;
  Type type;
  int group;
  Int4Kernel kernel;
  int bytes;
};

#define INT4_VARIANT(name) \
  {#name, GemmPrefill_##name::type, GemmPrefill_##name::kGroup, gemm_prefill_##name, GemmPrefill_##name::kBytes}
const Int4Variant kInt4Variants[] = {INT4_VARIANT(int4_bf16_g32), INT4_VARIANT(int4_bf16_g64), INT4_VARIANT(int4_bf16_g128),
                                     INT4_VARIANT(int4_fp16_g32), INT4_VARIANT(int4_fp16_g64), INT4_VARIANT(int4_fp16_g128)};

__global__ void __launch_bounds__(gemm_int4::kTileThreads)
    tile_int4(const uint32_t* codes, const uint16_t* scales, const uint32_t* zeros, uint8_t* tiled, int n, int k, int group,
              bool e4m3_codes) {
  gemm_int4::tile(gemm_int4::PackedWeights{codes, scales, zeros, n, k, group, false}, tiled, e4m3_codes);
}

size_t int4_bytes(int n, int k, int group, bool asymmetric) {
  return static_cast<size_t>((n + 127) / 128) * ((k + 127) / 128) * gemm_int4::block_bytes(group, asymmetric);
}

void launch(const Int4Variant& v, const uint8_t* x, const uint8_t* w, const float* bias, void* y, int m, int n, int k,
            bool asymmetric, int y_type, cudaStream_t stream) {
  CUDA_MUST(cudaFuncSetAttribute(v.kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, v.bytes));
  const int tiles = (n + 255) / 256 * ((m + 255) / 256);
  const dim3 grid(2 * std::min(tiles, multiprocessors() / 2));
  v.kernel<<<grid, gemm_prefill::kThreads, v.bytes, stream>>>(x, w, bias, y, m, n, k, asymmetric, y_type);
  LAUNCHED();
}

// X as normal numbers in the type, W as the kernel defines it: (q - z) s rounded once to the type.
class Int4Check {
 public:
  Int4Check(bench::Checks& checks, const Int4Variant& v, bool asymmetric, int m, int n, int k)
      : checks_(checks), v_(v), asymmetric_(asymmetric), m_(m), weights_(Case{v.type, v.group, asymmetric}, n, k, 7 + n),
        x_(random_x(static_cast<size_t>(m) * k)), x_rows_(x_), w_(int4_bytes(n, k, v.group, asymmetric)) {
    bench::Device<uint32_t> codes(weights_.packed_codes()), zeros(weights_.packed_zeros());
    bench::Device<uint16_t> scales(weights_.scale_bits);
    tile_int4<<<dim3((k + 127) / 128, (n + 127) / 128), gemm_int4::kTileThreads>>>(
        codes.data(), scales.data(), asymmetric ? zeros.data() : nullptr, w_.data(), n, k, v.group, false);
    LAUNCHED();
    CUDA_MUST(cudaDeviceSynchronize());
  }

  void run(int samples) {
    const std::vector<float> base = outputs<float>(m_, 2, nullptr);
    std::vector<double> actual, expected;
    bench::Random random(29);
    for (int i = 0; i < samples; i++) {
      const size_t at = random.bits() % base.size();
      actual.push_back(base[at]);
      expected.push_back(output(static_cast<int>(at / weights_.n), static_cast<int>(at % weights_.n)));
      if (!(std::abs(actual.back() - expected.back()) <= 1e-3)) {
        std::printf("  wrong at m=%zu n=%zu: %.7g, expected %.7g\n", at / weights_.n, at % weights_.n, actual.back(),
                    expected.back());
        break;
      }
    }
    checks_.within(label(""), bench::relative_error(actual, expected), 3e-5, guards_);
    checks_.same(label("_again"), outputs<float>(m_, 2, nullptr), base, guards_);
    for (int m : {1, 127, 128, 129, 256, 257}) {
      if (m >= m_) continue;
      const std::vector<float> y = outputs<float>(m, 2, nullptr);
      checks_.same(label("_first_") + std::to_string(m), y, std::vector<float>(base.begin(), base.begin() + y.size()), guards_);
    }
    rounded(base);
  }

 private:
  std::string label(const char* what) const {
    return std::string(v_.label) + (asymmetric_ ? "_asym_" : "_") + std::to_string(m_) + "x" + std::to_string(weights_.n) + "x" +
           std::to_string(weights_.k) + what;
  }

  std::vector<uint16_t> random_x(size_t count) const {
    bench::Random random(31);
    std::vector<uint16_t> x(count);
    for (uint16_t& value : x) value = narrow(v_.type, random.normal());
    return x;
  }

  double output(int row, int column) const {
    double sum = 0;
    for (int i = 0; i < weights_.k; i++) {
      const float w = static_cast<float>(weights_.values[static_cast<size_t>(column) * weights_.k + i]);
      sum += widen(v_.type, x_[static_cast<size_t>(row) * weights_.k + i]) * widen(v_.type, narrow(v_.type, w));
    }
    return sum;
  }

  template <typename T>
  std::vector<T> outputs(int m, int y_type, const float* bias) {
    bench::Device<uint8_t> x(static_cast<size_t>((m + 127) / 128) * ((2 * weights_.k + 127) / 128) * gemm_prefill::kBlockBytes);
    gemm_prefill_tile_rows<<<dim3((2 * weights_.k + 127) / 128, (m + 127) / 128), gemm_prefill::kTileThreads>>>(
        reinterpret_cast<const uint8_t*>(x_rows_.data()), x.data(), m, 2LL * weights_.k);
    LAUNCHED();
    bench::Device<T> y(static_cast<size_t>(m) * weights_.n);
    launch(v_, x.data(), w_.data(), bias, y.data(), m, weights_.n, weights_.k, asymmetric_, y_type, nullptr);
    CUDA_MUST(cudaDeviceSynchronize());
    guards_ = guards_ && y.guards_hold();
    return y.host();
  }

  void rounded(const std::vector<float>& base) {
    std::vector<float> bias(weights_.n);
    bench::Random random(3);
    for (float& value : bias) value = random.normal();
    bench::Device<float> device(bias);
    const std::vector<uint16_t> bits = outputs<uint16_t>(m_, v_.type == Type::kBf16 ? 0 : 1, device.data());
    std::vector<double> actual, expected;
    for (size_t i = 0; i < bits.size(); i++) {
      actual.push_back(widen(v_.type, bits[i]));
      expected.push_back(static_cast<double>(base[i]) + bias[i % weights_.n]);
    }
    checks_.within(label("_16_bit_out"), bench::relative_error(actual, expected), 3e-3, guards_);
  }

  bench::Checks& checks_;
  const Int4Variant& v_;
  bool asymmetric_;
  int m_;
  Weights weights_;
  std::vector<uint16_t> x_;
  bench::Device<uint16_t> x_rows_;
  bench::Device<uint8_t> w_;
  bool guards_ = true;
};

void check_int4(bench::Checks& checks, const bench::Options& options) {
  for (const Int4Variant& v : kInt4Variants) {
    if (!options.wants(v.label)) continue;
    for (bool asymmetric : {false, true}) {
      if (!options.smallest) Int4Check(checks, v, asymmetric, 1, 16, v.group).run(16);
      Int4Check(checks, v, asymmetric, 130, 272, 576 / v.group * v.group + v.group).run(5000);
      if (!options.quick) Int4Check(checks, v, asymmetric, 600, 1040, 2176).run(5000);
    }
  }
}

void time_int4(const Int4Variant& v, const char* label, int m, int n, int k) {
  const Operands operands(Kind::kBf16, m, 16, k, 41);
  const dim3 grid((2 * k + 127) / 128, (m + 127) / 128);
  bench::Device<uint8_t> rows(operands.x), x(static_cast<size_t>(grid.x) * grid.y * gemm_prefill::kBlockBytes);
  gemm_prefill_tile_rows<<<grid, gemm_prefill::kTileThreads>>>(rows.data(), x.data(), m, 2LL * k);
  LAUNCHED();
  // Any codes, and scales that are finite.
  const size_t bytes = int4_bytes(n, k, v.group, false);
  std::vector<uint8_t> data(bytes);
  bench::Random random(5);
  for (size_t i = 0; i + 8 <= bytes; i += 8) {
    const uint64_t word = random.bits() & 0x3FFF3FFF3FFF3FFFull;
    std::memcpy(&data[i], &word, 8);
  }
  bench::Device<uint8_t> w(data);
  bench::Device<uint16_t> y(static_cast<size_t>(m) * n);
  CUDA_MUST(cudaDeviceSynchronize());
  const double us = bench::median_us(4, [&](cudaStream_t stream, int) {
    launch(v, x.data(), w.data(), nullptr, y.data(), m, n, k, false, v.type == Type::kBf16 ? 0 : 1, stream);
  });
  bench::report("gemm_prefill", std::string(label) + " " + std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k),
                v.label, us, static_cast<double>(bytes) + 2.0 * m * k + 2.0 * m * n, 2.0 * m * n * k);
}

}  // namespace
