// The W4AFP8 part of the prefill bench: weights of gemm_int4 with codes for e4m3, X in e4m3 with a scale a row.
#pragma once

#include "bench_int4.cuh"

namespace {

using Int4Fp8Kernel = void (*)(const uint8_t*, const uint8_t*, const float*, const float*, void*, int, int, int, int);

struct Int4Fp8Variant {
  const char* label;
  int group, columns;
  Int4Fp8Kernel kernel;
  int bytes;
};

#define INT4_FP8_VARIANT(name) \
  {#name, GemmPrefill_##name::kGroup, GemmPrefill_##name::kN, gemm_prefill_##name, GemmPrefill_##name::kBytes}
const Int4Fp8Variant kInt4Fp8Variants[] = {INT4_FP8_VARIANT(int4_e4m3_g32), INT4_FP8_VARIANT(int4_e4m3_g64),
                                           INT4_FP8_VARIANT(int4_e4m3_g128)};

void launch(const Int4Fp8Variant& v, const uint8_t* x, const uint8_t* w, const float* scales, const float* bias, void* y, int m,
            int n, int k, int y_type, cudaStream_t stream) {
  CUDA_MUST(cudaFuncSetAttribute(v.kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, v.bytes));
  const int tiles = (n + 255) / 256 * ((m + v.columns - 1) / v.columns);
  const dim3 grid(2 * std::min(tiles, multiprocessors() / 2));
  v.kernel<<<grid, gemm_prefill::kThreads, v.bytes, stream>>>(x, w, scales, bias, y, m, n, k, y_type);
  LAUNCHED();
}

class Int4Fp8Check {
 public:
  Int4Fp8Check(bench::Checks& checks, const Int4Fp8Variant& v, int m, int n, int k)
      : checks_(checks), v_(v), weights_(Case{Type::kE4m3, v.group, false}, n, k, 7 + n), x_(Kind::kE4m3, m, 16, k, 43),
        x_rows_(x_.x), scales_(x_.x_scales), w_(int4_bytes(n, k, v.group, false)) {
    bench::Device<uint32_t> codes(weights_.packed_codes());
    bench::Device<uint16_t> scales(weights_.scale_bits);
    tile_int4<<<dim3((k + 127) / 128, (n + 127) / 128), gemm_int4::kTileThreads>>>(codes.data(), scales.data(), nullptr, w_.data(),
                                                                                   n, k, v.group, true);
    LAUNCHED();
    CUDA_MUST(cudaDeviceSynchronize());
  }

  void run(int samples) {
    const std::vector<float> base = outputs<float>(x_.m, 2, nullptr);
    std::vector<double> actual, expected;
    bench::Random random(29);
    for (int i = 0; i < samples; i++) {
      const size_t at = random.bits() % base.size();
      actual.push_back(base[at]);
      expected.push_back(output(static_cast<int>(at / weights_.n), static_cast<int>(at % weights_.n)));
    }
    checks_.within(label(""), bench::relative_error(actual, expected), 1e-3, guards_);
    checks_.same(label("_again"), outputs<float>(x_.m, 2, nullptr), base, guards_);
    for (int m : {1, 127, 128, 129, 192, 193, 256, 257}) {
      if (m >= x_.m) continue;
      const std::vector<float> y = outputs<float>(m, 2, nullptr);
      checks_.same(label("_first_") + std::to_string(m), y, std::vector<float>(base.begin(), base.begin() + y.size()), guards_);
    }
    rounded(base);
  }

 private:
  std::string label(const char* what) const {
    return std::string(v_.label) + "_" + std::to_string(x_.m) + "x" + std::to_string(weights_.n) + "x" + std::to_string(weights_.k) +
           what;
  }

  double output(int row, int column) const {
    double sum = 0;
    for (int i = 0; i < weights_.k; i++) {
      sum += x_.codes.value(x_.x, static_cast<size_t>(row) * weights_.k + i) *
             weights_.values[static_cast<size_t>(column) * weights_.k + i];
    }
    return sum * x_.x_scales[row];
  }

  template <typename T>
  std::vector<T> outputs(int m, int y_type, const float* bias) {
    bench::Device<uint8_t> x(tiled_bytes(Kind::kE4m3, m, weights_.k));
    tile(Kind::kE4m3, x_rows_.data(), x.data(), m, weights_.k, nullptr);
    bench::Device<T> y(static_cast<size_t>(m) * weights_.n);
    launch(v_, x.data(), w_.data(), scales_.data(), bias, y.data(), m, weights_.n, weights_.k, y_type, nullptr);
    CUDA_MUST(cudaDeviceSynchronize());
    guards_ = guards_ && y.guards_hold();
    return y.host();
  }

  void rounded(const std::vector<float>& base) {
    std::vector<float> bias(weights_.n);
    bench::Random random(3);
    for (float& value : bias) value = random.normal();
    bench::Device<float> device(bias);
    for (Type type : {Type::kBf16, Type::kFp16}) {
      const std::vector<uint16_t> bits = outputs<uint16_t>(x_.m, type == Type::kBf16 ? 0 : 1, device.data());
      std::vector<double> actual, expected;
      for (size_t i = 0; i < bits.size(); i++) {
        actual.push_back(widen(type, bits[i]));
        expected.push_back(static_cast<double>(base[i]) + bias[i % weights_.n]);
      }
      checks_.within(label(type == Type::kBf16 ? "_bf16_out" : "_fp16_out"), bench::relative_error(actual, expected),
                     type == Type::kBf16 ? 3e-3 : 4e-4, guards_);
    }
  }

  bench::Checks& checks_;
  const Int4Fp8Variant& v_;
  Weights weights_;
  Operands x_;
  bench::Device<uint8_t> x_rows_;
  bench::Device<float> scales_;
  bench::Device<uint8_t> w_;
  bool guards_ = true;
};

void check_int4_fp8(bench::Checks& checks, const bench::Options& options) {
  for (const Int4Fp8Variant& v : kInt4Fp8Variants) {
    if (!options.wants(v.label)) continue;
    Int4Fp8Check(checks, v, 130, 272, 576 / v.group * v.group + v.group).run(5000);
    if (options.smallest) continue;
    Int4Fp8Check(checks, v, 1, 16, v.group).run(16);
    Int4Fp8Check(checks, v, 600, 1040, 2176).run(5000);
  }
}

void time_int4_fp8(const Int4Fp8Variant& v, const char* label, int m, int n, int k) {
  const Operands operands(Kind::kE4m3, m, 16, k, 41);
  bench::Device<uint8_t> rows(operands.x), x(tiled_bytes(Kind::kE4m3, m, k));
  bench::Device<float> scales(operands.x_scales);
  tile(Kind::kE4m3, rows.data(), x.data(), m, k, nullptr);
  // Any codes, and scales that are finite.
  const size_t bytes = int4_bytes(n, k, v.group, false);
  std::vector<uint8_t> data(bytes);
  bench::Random random(5);
  for (size_t i = 0; i + 8 <= bytes; i += 8) {
    const uint64_t word = i % gemm_int4::block_bytes(v.group, false) < gemm_int4::kCodeBytes
                              ? random.bits() : random.bits() & 0x3FFF3FFF3FFF3FFFull;
    std::memcpy(&data[i], &word, 8);
  }
  bench::Device<uint8_t> w(data);
  bench::Device<uint16_t> y(static_cast<size_t>(m) * n);
  CUDA_MUST(cudaDeviceSynchronize());
  const double us = bench::median_us(4, [&](cudaStream_t stream, int) {
    launch(v, x.data(), w.data(), scales.data(), nullptr, y.data(), m, n, k, 0, stream);
  });
  bench::report("gemm_prefill", std::string(label) + " " + std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k),
                v.label, us, static_cast<double>(bytes) + 1.0 * m * k + 2.0 * m * n, 2.0 * m * n * k);
}

}  // namespace
