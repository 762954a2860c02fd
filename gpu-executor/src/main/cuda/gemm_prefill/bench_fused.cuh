// The half of the prefill bench for what the store fuses: SiLU gate and residual.
#pragma once

#include "../layer/pointwise.cuh"
#include "bench_data.cuh"

namespace {

using ResidualKernel = void (*)(const uint8_t*, const uint8_t*, const float*, const float*, int, int, const float*, const void*, void*,
                                int, int, int, int, int);

struct FusedVariant {
  const char* label;
  Kind kind;
  Kernel plain, gate;   // block scales have no gate
  ResidualKernel residual;
  int bytes, residual_bytes, columns;
};

#define FUSED_VARIANT(name, kind, gate)                                                                                            \
  {#name, kind, gemm_prefill_##name, gate, gemm_prefill_##name##_residual, GemmPrefill_##name::kBytes,       \
   GemmPrefill_##name##_residual::kBytes, GemmPrefill_##name::kN}
const FusedVariant kFusedVariants[] = {
    FUSED_VARIANT(e4m3_n192_p4, Kind::kE4m3, gemm_prefill_e4m3_n192_p4_gate),
    FUSED_VARIANT(e4m3_n128_p4, Kind::kE4m3, gemm_prefill_e4m3_n128_p4_gate),
    FUSED_VARIANT(e4m3_block_n192, Kind::kE4m3Block, nullptr),
    FUSED_VARIANT(e4m3_block_n128, Kind::kE4m3Block, nullptr),
    FUSED_VARIANT(int8_n256, Kind::kInt8, gemm_prefill_int8_n256_gate),
    FUSED_VARIANT(bf16_n256, Kind::kBf16, gemm_prefill_bf16_n256_gate),
};

// residual null: the gate.
void launch(const FusedVariant& v, const Call& c, const void* residual, int m, int n, int k, cudaStream_t stream) {
  const void* kernel = residual == nullptr ? reinterpret_cast<const void*>(v.gate) : reinterpret_cast<const void*>(v.residual);
  const int bytes = residual == nullptr ? v.bytes : v.residual_bytes;
  CUDA_MUST(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes));
  const int tiles = (m + 255) / 256 * ((n + v.columns - 1) / v.columns), grid = 2 * std::min(tiles, multiprocessors() / 2);
  const int k_blocks = blocks_of(v.kind, k);
  if (residual == nullptr) {
    v.gate<<<grid, gemm_prefill::kThreads, bytes, stream>>>(c.x, c.w, c.x_scales, c.w_scales, c.x_stride, c.w_stride, c.bias, c.y, m, n,
                                                              k_blocks, c.y_type, gemm_prefill::kRows);
  } else {
    v.residual<<<grid, gemm_prefill::kThreads, bytes, stream>>>(c.x, c.w, c.x_scales, c.w_scales, c.x_stride, c.w_stride, c.bias,
                                                                  residual, c.y, m, n, k_blocks, c.y_type, gemm_prefill::kRows);
  }
  LAUNCHED();
}

std::vector<float> random_floats(size_t count, uint64_t seed) {
  bench::Random random(seed);
  std::vector<float> values(count);
  for (float& value : values) value = random.normal();
  return values;
}

float bf16(float value) { return __bfloat162float(__float2bfloat16_rn(value)); }
uint16_t bf16_bits(float value) { return __bfloat16_as_ushort(__float2bfloat16_rn(value)); }

class FusedCheck {
 public:
  FusedCheck(bench::Checks& checks, const FusedVariant& v, const Operands& o)
      : checks_(checks), v_(v), o_(o), x_(tiled_bytes(o.kind, o.m, o.k)), w_(tiled_bytes(o.kind, o.n, o.k)), x_scales_(o.x_scales),
        w_scales_(o.w_scales), bias_(random_floats(o.n, 3)), bias_device_(bias_) {
    bench::Device<uint8_t> x(o.x), w(o.w);
    tile(o.kind, x.data(), x_.data(), o.m, o.k, nullptr);
    tile(o.kind, w.data(), w_.data(), o.n, o.k, nullptr);
    CUDA_MUST(cudaDeviceSynchronize());
  }

  // The bits of the plain kernel's sums, plus bias, plus residual; also in place.
  void residual() {
    const size_t count = static_cast<size_t>(o_.m) * o_.n;
    bench::Device<float> sums(count);
    CUDA_MUST(cudaFuncSetAttribute(v_.plain, cudaFuncAttributeMaxDynamicSharedMemorySize, v_.bytes));
    const Call c = call(sums.data(), 2);
    v_.plain<<<2, gemm_prefill::kThreads, v_.bytes>>>(c.x, c.w, c.x_scales, c.w_scales, 1, 1, c.bias, c.y, o_.m, o_.n,
                                                      blocks_of(o_.kind, o_.k), 2, gemm_prefill::kRows);
    LAUNCHED();
    CUDA_MUST(cudaDeviceSynchronize());
    const std::vector<float> base = sums.host(), residual = random_floats(count, 4);
    std::vector<float> wide;
    std::vector<uint16_t> narrow, residual_bits;
    for (size_t i = 0; i < count; i++) {
      wide.push_back(base[i] + residual[i]);
      residual_bits.push_back(bf16_bits(residual[i]));
      narrow.push_back(bf16_bits(base[i] + bf16(residual[i])));
    }
    bench::Device<float> residual_wide(residual), y_wide(count);
    launch(v_, call(y_wide.data(), 2), residual_wide.data(), o_.m, o_.n, o_.k, nullptr);
    checks_.same(label("_residual_fp32"), y_wide.host(), wide, y_wide.guards_hold());
    bench::Device<uint16_t> in_place(residual_bits);
    launch(v_, call(in_place.data(), 0), in_place.data(), o_.m, o_.n, o_.k, nullptr);
    checks_.same(label("_residual_bf16_in_place"), in_place.host(), narrow, in_place.guards_hold());
  }

  void gate() {
    const int n = o_.n / 2;
    const size_t count = static_cast<size_t>(o_.m) * n;
    bench::Device<float> wide(count);
    bench::Device<uint16_t> narrow(count);
    launch(v_, call(wide.data(), 2), nullptr, o_.m, o_.n, o_.k, nullptr);
    launch(v_, call(narrow.data(), 0), nullptr, o_.m, o_.n, o_.k, nullptr);
    const std::vector<float> y = wide.host();
    std::vector<uint16_t> rounded;
    for (float value : y) rounded.push_back(bf16_bits(value));
    std::vector<double> actual, expected;
    bench::Random random(29);
    for (int i = 0; i < 3000; i++) {
      const size_t at = random.bits() % count;
      const int row = static_cast<int>(at / n), column = static_cast<int>(at % n) * 2;
      const double g = o_.output(row, column) + bias_[column], up = o_.output(row, column + 1) + bias_[column + 1];
      actual.push_back(y[at]);
      expected.push_back(g / (1 + std::exp(-g)) * up);
    }
    const double bound = o_.kind == Kind::kInt8 ? 2e-6 : o_.kind == Kind::kBf16 ? 5e-5 : 3e-3;
    checks_.within(label("_gate"), bench::relative_error(actual, expected), bound, wide.guards_hold());
    checks_.same(label("_gate_bf16"), narrow.host(), rounded, narrow.guards_hold());
    if (o_.m > 128) {
      bench::Device<float> one(n);
      launch(v_, call(one.data(), 2), nullptr, 1, o_.n, o_.k, nullptr);
      checks_.same(label("_gate_first_1"), one.host(), std::vector<float>(y.begin(), y.begin() + n), one.guards_hold());
    }
  }

 private:
  Call call(void* y, int y_type) const {
    const bool scaled = o_.kind != Kind::kBf16;
    return {x_.data(), w_.data(), scaled ? x_scales_.data() : nullptr, scaled ? w_scales_.data() : nullptr, 1, 1, bias_device_.data(), y,
            y_type};
  }

  std::string label(const char* what) const {
    return std::string(v_.label) + "_" + std::to_string(o_.m) + "x" + std::to_string(o_.n) + "x" + std::to_string(o_.k) + what;
  }

  bench::Checks& checks_;
  const FusedVariant& v_;
  const Operands& o_;
  bench::Device<uint8_t> x_, w_;
  bench::Device<float> x_scales_, w_scales_;
  std::vector<float> bias_;
  bench::Device<float> bias_device_;
};

// Gate and up interleaved by gemm_prefill_tile_gate_up are as interleaved rows tiled.
void check_interleaving(bench::Checks& checks) {
  const Operands o(Kind::kInt8, 1, 272, 592, 9);
  std::vector<uint8_t> halves[2];
  for (int row = 0; row < o.n; row++) {
    halves[row % 2].insert(halves[row % 2].end(), o.w.begin() + row * o.k, o.w.begin() + (row + 1) * o.k);
  }
  const size_t bytes = tiled_bytes(o.kind, o.n, o.k);
  bench::Device<uint8_t> gate(halves[0]), up(halves[1]), all(o.w), tiled(bytes), expected(bytes);
  tile(o.kind, all.data(), expected.data(), o.n, o.k, nullptr);
  const dim3 grid(blocks_of(o.kind, o.k), (o.n + 127) / 128);
  gemm_prefill_tile_gate_up<<<grid, gemm_prefill::kTileThreads>>>(gate.data(), up.data(), tiled.data(), o.n, o.k);
  LAUNCHED();
  checks.same("tile_gate_up", tiled.host(), expected.host(), tiled.guards_hold());
}

void check_fused(bench::Checks& checks, const bench::Options& options) {
  check_interleaving(checks);
  for (const FusedVariant& v : kFusedVariants) {
    if (!options.wants(v.label)) continue;
    const struct { int m, n, k; } shapes[] = {{1, 16, 16}, {130, 272, 592}, {300, 1040, 2064}};
    for (const auto& s : shapes) {
      if (options.smallest && s.m != 130) continue;
      const Operands operands(v.kind, s.m, s.n, s.k, 200 + s.m);
      FusedCheck check(checks, v, operands);
      check.residual();
      if (v.gate != nullptr) check.gate();
    }
  }
}

__global__ void __launch_bounds__(layer::kPointThreads) swiglu_pairs(const __nv_bfloat16* x, __nv_bfloat16* y, int m, int n) {
  layer::swiglu_pairs(x, y, m, n);
}

__global__ void __launch_bounds__(layer::kPointThreads) add(const __nv_bfloat16* a, const __nv_bfloat16* b, __nv_bfloat16* y,
                                                            long long vectors) {
  layer::add(a, b, y, vectors);
}

// What is fused, and the plain kernel followed by the pass that it saves.
void time_fused(const FusedVariant& v, const std::string& label, int m, int n, int k) {
  const Codes codes(v.kind);
  bench::Device<uint8_t> rows_x(codes.matrix(m, k, 1)), rows_w(codes.matrix(n, k, 2)), x(tiled_bytes(v.kind, m, k)),
      w(tiled_bytes(v.kind, n, k));
  tile(v.kind, rows_x.data(), x.data(), m, k, nullptr);
  tile(v.kind, rows_w.data(), w.data(), n, k, nullptr);
  CUDA_MUST(cudaDeviceSynchronize());
  const size_t scales = blocks_of(v.kind, k);
  bench::Device<float> x_scales(std::vector<float>(m * scales, 1.0f)), w_scales(std::vector<float>(n * scales, 0.01f));
  bench::Device<uint16_t> y(static_cast<size_t>(m) * n), residual(std::vector<uint16_t>(static_cast<size_t>(m) * n, 0x3F80)),
      gated(static_cast<size_t>(m) * n / 2);
  auto* const y_numbers = reinterpret_cast<__nv_bfloat16*>(y.data());
  auto* const gated_numbers = reinterpret_cast<__nv_bfloat16*>(gated.data());
  const auto* residual_numbers = reinterpret_cast<const __nv_bfloat16*>(residual.data());
  const bool scaled = v.kind != Kind::kBf16;
  const Call call{x.data(), w.data(), scaled ? x_scales.data() : nullptr, scaled ? w_scales.data() : nullptr, 1, 1, nullptr, y.data(), 0};
  const Variant plain{v.label, v.kind, v.plain, v.bytes, v.columns};
  const long long vectors = static_cast<long long>(m) * n / 8;
  const struct { const char* label; std::function<void(cudaStream_t)> run; } ways[] = {
      {"", [&](cudaStream_t stream) { launch(plain, call, m, n, k, stream); }},
      {"_gate", [&](cudaStream_t stream) { launch(v, call, nullptr, m, n, k, stream); }},
      {"_then_swiglu", [&](cudaStream_t stream) {
         launch(plain, call, m, n, k, stream);
         swiglu_pairs<<<dim3((n / 16 + layer::kPointThreads - 1) / layer::kPointThreads, m), layer::kPointThreads, 0, stream>>>(
             y_numbers, gated_numbers, m, n / 2);
       }},
      {"_residual", [&](cudaStream_t stream) { launch(v, call, residual.data(), m, n, k, stream); }},
      {"_then_add", [&](cudaStream_t stream) {
         launch(plain, call, m, n, k, stream);
         add<<<static_cast<unsigned>((vectors + 511) / 512), layer::kPointThreads, 0, stream>>>(y_numbers, residual_numbers, y_numbers,
                                                                                                vectors);
       }},
  };
  for (const auto& way : ways) {
    if (v.gate == nullptr && std::string(way.label) == "_gate") continue;
    const double us = bench::median_us(4, [&](cudaStream_t stream, int) { way.run(stream); });
    bench::report("gemm_prefill", label + " " + std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k),
                  std::string(v.label) + way.label, us, static_cast<double>(w.bytes() + x.bytes()) + 2.0 * m * n, 2.0 * m * n * k);
  }
}

}  // namespace
