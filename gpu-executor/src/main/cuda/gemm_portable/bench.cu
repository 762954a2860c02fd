// Checks and times gemm_portable; options of bench.cuh.
#include "gemm_portable.cu"

#include "bench_data.cuh"

namespace {

using Kernel = void (*)(void*, const uint8_t*, const uint8_t*, const float*, const float*, const float*, const void*, int, int, int,
                        int, int);

struct Variant {
  const char* types;
  const char* family;
  Kernel kernel;
  int bytes, threads, rows_x, rows_w;
};

#define VARIANT(name, family)                                                                                                \
  {#name, #family, gemm_portable_##name##_##family, GemmPortable_##name##_##family::kBytes,                                  \
   GemmPortable_##name##_##family::Tile::kThreads, GemmPortable_##name##_##family::Tile::kX, GemmPortable_##name##_##family::Tile::kW}
#define VARIANTS(name) VARIANT(name, decode16), VARIANT(name, decode64), VARIANT(name, prefill)
const Variant kVariants[] = {VARIANTS(e4m3), VARIANTS(e5m2),      VARIANTS(e4m3_block), VARIANTS(e5m2_block), VARIANTS(int8),
                             VARIANTS(bf16), VARIANTS(int4_bf16), VARIANTS(int4_fp16),  VARIANTS(int4_e4m3)};

__global__ void __launch_bounds__(gemm_int4::kTileThreads)
    tile_int4(gemm_int4::PackedWeights from, uint8_t* tiled, bool e4m3_codes) {
  gemm_int4::tile(from, tiled, e4m3_codes);
}

struct Call {
  void* y;
  const uint8_t* x;
  const uint8_t* w;
  const float* x_scales;
  const float* w_scales;
  const float* bias;
  const void* residual;
  int group, flags;
};

void launch(const Variant& v, const Call& c, int m, int n, int k, cudaStream_t stream) {
  CUDA_MUST(cudaFuncSetAttribute(v.kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, v.bytes));
  const dim3 grid((m + v.rows_x - 1) / v.rows_x, (n + v.rows_w - 1) / v.rows_w);
  v.kernel<<<grid, v.threads, v.bytes, stream>>>(c.y, c.x, c.w, c.x_scales, c.w_scales, c.bias, c.residual, m, n, k, c.group,
                                                 c.flags);
  LAUNCHED();
}

int base_flags(const Kind& kind) {
  return gemm_portable::kScalePerRow | gemm_portable::kScalePerChannel | (kind.asymmetric ? gemm_portable::kAsymmetric : 0);
}

// Weights as the kernels want them.
bench::Device<uint8_t> device_weights(const Operands& o) {
  if (!o.kind.int4()) return bench::Device<uint8_t>(o.w);
  const int group = o.kind.tile_group();
  const dim3 grid((o.k + 127) / 128, (o.n + 127) / 128);
  bench::Device<uint8_t> tiled(static_cast<size_t>(grid.x) * grid.y * gemm_int4::block_bytes(group, o.kind.asymmetric));
  bench::Device<uint32_t> codes(o.int4->packed_codes()), zeros(o.int4->packed_zeros());
  bench::Device<uint16_t> scales(o.int4->scale_bits);
  tile_int4<<<grid, gemm_int4::kTileThreads>>>(
      {codes.data(), scales.data(), o.kind.asymmetric ? zeros.data() : nullptr, o.n, o.k, group, o.kind.group == 0}, tiled.data(),
      o.kind.x == Code::kE4m3);
  LAUNCHED();
  CUDA_MUST(cudaDeviceSynchronize());
  return tiled;
}

// bf16 cannot hold fp32 sums with better accuracy; the tensor core truncates them, so that the error grows with K.
double bound(const Kind& kind, int k) { return kind.x == Code::kInt8 ? 1e-6 : 1e-5 + 5e-9 * k; }

// One problem on the device, for the variants of its types.
class Check {
 public:
  Check(bench::Checks& checks, const Operands& o)
      : checks_(checks), o_(o), x_(o.x), w_(device_weights(o)), x_scales_(o.x_scales), w_scales_(o.w_scales), bias_(random(o.n, 3)),
        bias_device_(bias_) {
    std::vector<uint16_t> bits;
    residual_ = random(static_cast<size_t>(o.m) * o.n, 4);
    for (float& value : residual_) {
      bits.push_back(numbers::float_to_bf16(value));
      value = numbers::bf16_to_float(bits.back());
    }
    residual_device_ = std::make_unique<bench::Device<uint16_t>>(bits);
  }

  // samples: outputs that are compared, 0 for all; rows: products of so many of the first rows are compared too.
  void run(const Variant& v, int samples, const std::vector<int>& rows) {
    guards_ = true;
    const std::vector<float> base = outputs<float>(v, o_.m, gemm_portable::kOutFp32, false);
    std::vector<double> actual, expected;
    bench::Random random(23);
    for (size_t i = 0; i < (samples > 0 ? samples : base.size()); i++) {
      const size_t at = samples > 0 ? random.bits() % base.size() : i;
      actual.push_back(base[at]);
      expected.push_back(o_.output(static_cast<int>(at / o_.n), static_cast<int>(at % o_.n)));
    }
    checks_.within(label(v, ""), bench::relative_error(actual, expected), bound(o_.kind, o_.k), guards_);
    checks_.same(label(v, "_again"), outputs<float>(v, o_.m, gemm_portable::kOutFp32, false), base, guards_);
    for (int m : rows) prefix(v, m, base);
    epilogue(v, base);
    if (o_.m <= 130) gate(v, samples);
  }

  // Both decode variants: the same bits.
  void as(const Variant& v, const Variant& other) {
    checks_.same(label(v, "_as_other"), outputs<float>(v, o_.m, gemm_portable::kOutFp32, false),
                 outputs<float>(other, o_.m, gemm_portable::kOutFp32, false), guards_);
  }

 private:
  static std::vector<float> random(size_t count, uint64_t seed) {
    bench::Random random(seed);
    std::vector<float> values(count);
    for (float& value : values) value = random.normal();
    return values;
  }

  std::string label(const Variant& v, const std::string& what) const {
    return o_.kind.label() + "_" + v.family + "_" + std::to_string(o_.m) + "x" + std::to_string(o_.n) + "x" + std::to_string(o_.k) +
           what;
  }

  template <typename T>
  std::vector<T> outputs(const Variant& v, int m, int flags, bool more) {
    bench::Device<T> y(static_cast<size_t>(m) * (flags & gemm_portable::kGate ? o_.n / 2 : o_.n));
    const bool scaled = !o_.x_scales.empty();
    launch(v, {y.data(), x_.data(), w_.data(), scaled ? x_scales_.data() : nullptr, o_.w_scales.empty() ? nullptr : w_scales_.data(),
               more ? bias_device_.data() : nullptr, more ? residual_device_->data() : nullptr, o_.kind.tile_group(),
               flags | base_flags(o_.kind)}, m, o_.n, o_.k, nullptr);
    CUDA_MUST(cudaDeviceSynchronize());
    guards_ = guards_ && y.guards_hold() && x_.guards_hold() && w_.guards_hold();
    return y.host();
  }

  void prefix(const Variant& v, int m, const std::vector<float>& base) {
    if (m >= o_.m) return;
    const std::vector<float> y = outputs<float>(v, m, gemm_portable::kOutFp32, false);
    checks_.same(label(v, "_first_" + std::to_string(m)), y, std::vector<float>(base.begin(), base.begin() + y.size()), guards_);
  }

  void epilogue(const Variant& v, const std::vector<float>& base) {
    const std::vector<uint16_t> y = outputs<uint16_t>(v, o_.m, gemm_portable::kOutBf16, true);
    const std::vector<uint16_t> plain = outputs<uint16_t>(v, o_.m, gemm_portable::kOutFp16, false);
    std::vector<uint16_t> expected, halves;
    for (size_t i = 0; i < base.size(); i++) {
      expected.push_back(numbers::float_to_bf16(base[i] + bias_[i % o_.n] + residual_[i]));
      halves.push_back(numbers::float_to_fp16(base[i]));
    }
    checks_.same(label(v, "_bf16_bias_residual"), y, expected, guards_);
    checks_.same(label(v, "_fp16"), plain, halves, guards_);
  }

  void gate(const Variant& v, int samples) {
    const int n = o_.n / 2;
    const std::vector<uint16_t> y = outputs<uint16_t>(v, o_.m, gemm_portable::kOutBf16 | gemm_portable::kGate, true);
    std::vector<double> actual, expected;
    bench::Random random(29);
    for (size_t i = 0; i < (samples > 0 ? samples : y.size()); i++) {
      const size_t at = samples > 0 ? random.bits() % y.size() : i;
      const int row = static_cast<int>(at / n), column = static_cast<int>(at % n);
      const double g = o_.output(row, 2 * column, true) + bias_[2 * column];
      const double up = o_.output(row, 2 * column + 1, true) + bias_[2 * column + 1];
      expected.push_back(g / (1 + std::exp(-g)) * up + residual_[at]);
      actual.push_back(numbers::bf16_to_float(y[at]));
    }
    checks_.within(label(v, "_gate"), bench::relative_error(actual, expected), 3e-3, guards_);
  }

  bench::Checks& checks_;
  const Operands& o_;
  bench::Device<uint8_t> x_, w_;
  bench::Device<float> x_scales_, w_scales_;
  std::vector<float> bias_, residual_;
  bench::Device<float> bias_device_;
  std::unique_ptr<bench::Device<uint16_t>> residual_device_;
  bool guards_ = true;
};

// Every code of X times every code of W: exact, NaN and infinities as IEEE 754 has them.
void check_codes(bench::Checks& checks, const Variant& v, const Kind& kind) {
  constexpr int kCodes = 256, kK = 16, kPlace = 5;
  std::vector<uint8_t> x(kCodes * kK), w(kCodes * kK);
  for (int i = 0; i < kCodes; i++) x[i * kK + kPlace] = w[i * kK + kPlace] = static_cast<uint8_t>(i);
  bench::Device<uint8_t> x_device(x), w_device(w);
  bench::Device<float> y(kCodes * kCodes);
  launch(v, {y.data(), x_device.data(), w_device.data(), nullptr, nullptr, nullptr, nullptr, 0, gemm_portable::kOutFp32}, kCodes,
         kCodes, kK, nullptr);
  const std::vector<float> actual = y.host();
  std::vector<float> expected, found;
  for (int i = 0; i < kCodes * kCodes; i++) {
    const uint8_t row = static_cast<uint8_t>(i / kCodes), column = static_cast<uint8_t>(i % kCodes);
    const float value = static_cast<float>(decode(kind.x, &row) * decode(kind.w, &column));
    expected.push_back(std::isnan(value) ? NAN : value + 0.0f);
    found.push_back(std::isnan(actual[i]) ? NAN : actual[i]);
  }
  checks.same(kind.label() + "_" + v.family + "_codes", found, expected, y.guards_hold());
}

void check_kind(bench::Checks& checks, const bench::Options& options, const Kind& kind) {
  const std::vector<int> rows =
      options.smallest ? std::vector<int>{1} : std::vector<int>{1, 2, 3, 7, 8, 9, 16, 17, 33, 64, 65, 127, 128, 129};
  struct { int m, n, k, samples; } shapes[] = {{1, 16, 16, 0}, {130, 272, 592, 4000}, {300, 1040, 2064, 4000}, {17, 208, 8192, 2000}};
  for (const auto& s : shapes) {
    if ((options.quick && s.m == 300) || (options.smallest && s.m != 130)) continue;
    const int unit = std::max(16, kind.group);
    const Operands operands(kind, s.m, s.n, (s.k + unit - 1) / unit * unit, 100 + s.m);
    Check check(checks, operands);
    const Variant* first = nullptr;
    for (const Variant& v : kVariants) {
      if (std::string(v.types) != kind.types) continue;
      check.run(v, s.samples, rows);
      if (std::string(v.family) == "decode64") check.as(v, *first);
      first = &v;
      if (s.m == 1 && !kind.blocks && bytes_of(kind.x) == 1 && !kind.int4()) check_codes(checks, v, kind);
    }
  }
}

void time_one(const Variant& v, const Kind& kind, int m, int n, int k) {
  const Operands small(kind, 16, 16, 512, 1);
  const size_t x_bytes = static_cast<size_t>(m) * k * bytes_of(kind.x);
  const size_t w_bytes = kind.int4() ? static_cast<size_t>(n) / 128 * (k / 128) * gemm_int4::block_bytes(kind.tile_group(), false)
                                     : static_cast<size_t>(n) * k * bytes_of(kind.w);
  const auto repeated = [](const std::vector<uint8_t>& from, size_t bytes) {
    std::vector<uint8_t> to(bytes);
    for (size_t i = 0; i < bytes; i += from.size()) std::memcpy(&to[i], from.data(), std::min(from.size(), bytes - i));
    return to;
  };
  const std::vector<uint8_t> w_host = kind.int4() ? std::vector<uint8_t>(w_bytes, 0x21) : repeated(small.w, w_bytes);
  bench::Device<uint8_t> x(repeated(small.x, x_bytes));
  std::vector<bench::Device<uint8_t>> w;
  const int copies = static_cast<int>(130'000'000 / w_bytes) + 1;
  for (int i = 0; i < copies; i++) w.emplace_back(w_host);
  bench::Device<float> x_scales(std::vector<float>(static_cast<size_t>(m) * k / 128 + m, 1.0f)),
      w_scales(std::vector<float>(static_cast<size_t>(n / 128 + 1) * (k / 128) + n, 1.0f));
  bench::Device<uint16_t> y(static_cast<size_t>(m) * n);
  const double us = bench::median_us(std::max(4, copies), [&](cudaStream_t stream, int i) {
    launch(v, {y.data(), x.data(), w[i % copies].data(), bytes_of(kind.x) == 1 ? x_scales.data() : nullptr,
               bytes_of(kind.x) == 1 && !kind.int4() ? w_scales.data() : nullptr, nullptr, nullptr, kind.tile_group(), base_flags(kind)},
           m, n, k, stream);
  });
  bench::report("gemm_portable", std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k), kind.label() + "_" + v.family, us,
                static_cast<double>(w_bytes + x_bytes) + 2.0 * m * n, 2.0 * m * n * k);
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options = bench::Options::parse(argc, argv);
  bench::Checks checks("gemm_portable");
  for (const Kind& kind : all_kinds()) {
    const bool skipped = options.time_only || (options.smallest && kind.int4() && kind.group != 32);
    if (!skipped && options.wants(kind.label())) check_kind(checks, options, kind);
  }
  if (options.check_only || checks.exit_code() != 0) return checks.exit_code();
  struct { int m, n, k; } shapes[] = {{1, 8192, 8192}, {16, 8192, 8192}, {64, 8192, 8192}, {1, 4096, 4096}, {1, 57344, 8192},
                                      {4096, 8192, 8192}};
  for (const auto& s : shapes) {
    for (const Kind& kind : all_kinds()) {
      const bool plain = !kind.int4() || (kind.group == 128 && !kind.asymmetric);
      for (const Variant& v : kVariants) {
        const std::string family = s.m > 128 ? "prefill" : s.m > 16 ? "decode64" : "decode16";
        const bool fits = plain && family == v.family && std::string(v.types) == kind.types;
        if (fits && options.wants(kind.label())) time_one(v, kind, s.m, s.n, s.k);
      }
    }
    if (options.quick) break;
  }
  return checks.exit_code();
}
