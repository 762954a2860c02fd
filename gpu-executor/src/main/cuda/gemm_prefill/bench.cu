// Checks and times gemm_prefill. Options of bench.cuh, and --tune: every tile width at two shapes; --fused: only what gate and
// residual save.
#include "gemm_prefill.cu"

#include <memory>

#include "bench_data.cuh"
#include "width.cuh"

namespace {

using Kernel = void (*)(const uint8_t*, const uint8_t*, const float*, const float*, int, int, const float*, void*, int, int, int,
                        int, int);

struct Variant {
  const char* label;
  Kind kind;
  Kernel kernel;
  int bytes, columns;
};

#define VARIANT(name, kind) {#name, kind, gemm_prefill_##name, GemmPrefill_##name::kBytes, GemmPrefill_##name::kN}
const Variant kVariants[] = {
    VARIANT(e4m3_n192_p4, Kind::kE4m3),         VARIANT(e4m3_n128_p4, Kind::kE4m3),
    VARIANT(e4m3_block_n192, Kind::kE4m3Block), VARIANT(e4m3_block_n128, Kind::kE4m3Block),
    VARIANT(int8_n256, Kind::kInt8),            VARIANT(bf16_n256, Kind::kBf16),
};

int multiprocessors() {
  int count;
  CUDA_MUST(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, 0));
  return count;
}

struct Call {
  const uint8_t* x;
  const uint8_t* w;
  const float* x_scales;
  const float* w_scales;
  int x_stride, w_stride;
  const float* bias;
  void* y;
  int y_type;
};

void launch(const Variant& v, const Call& c, int m, int n, int k, cudaStream_t stream) {
  CUDA_MUST(cudaFuncSetAttribute(v.kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, v.bytes));
  const int tiles = (m + 255) / 256 * ((n + v.columns - 1) / v.columns);
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(2 * std::min(tiles, multiprocessors() / 2));
  config.blockDim = dim3(gemm_prefill::kThreads);
  config.dynamicSmemBytes = v.bytes;
  config.stream = stream;
  cudaLaunchAttribute attribute{};
  attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  attribute.val.programmaticStreamSerializationAllowed = 1;
  config.attrs = &attribute;
  config.numAttrs = 1;
  CUDA_MUST(cudaLaunchKernelEx(&config, v.kernel, c.x, c.w, c.x_scales, c.w_scales, c.x_stride, c.w_stride, c.bias, c.y, m, n,
                               blocks_of(v.kind, k), c.y_type, gemm_prefill::kRows));
  LAUNCHED();
}

size_t tiled_bytes(Kind kind, int rows, int k) {
  return static_cast<size_t>((rows + 127) / 128) * blocks_of(kind, k) * gemm_prefill::kBlockBytes;
}

void tile(Kind kind, const uint8_t* from, uint8_t* to, int rows, int k, cudaStream_t stream) {
  const dim3 grid(blocks_of(kind, k), (rows + 127) / 128);
  gemm_prefill_tile_rows<<<grid, gemm_prefill::kTileThreads, 0, stream>>>(from, to, rows,
                                                                          static_cast<long long>(k) * element_bytes(kind));
  LAUNCHED();
}

}  // namespace

#include "bench_fused.cuh"
#include "bench_int4.cuh"
#include "bench_int4_fp8.cuh"

namespace {

// A relative error (norm) in fp32: fp8 products are summed with about 14 bits, 512 at a time. The tensor core's fp32 sums are
// truncated, so that their error grows with K.
double bound(const Variant& v, int k) {
  if (v.kind == Kind::kInt8) return 1e-6;
  if (v.kind == Kind::kBf16) return 1e-5 + 5e-9 * k;
  return 2e-3;
}

// One problem on the device, for any variant of its kind and any M up to its own.
class Check {
 public:
  Check(bench::Checks& checks, const Operands& o)
      : checks_(checks), o_(o), w_(tiled_bytes(o.kind, o.n, o.k)), x_rows_(o.x), x_scales_(o.x_scales), w_scales_(o.w_scales) {
    bench::Device<uint8_t> rows(o.w);
    tile(o.kind, rows.data(), w_.data(), o.n, o.k, nullptr);
    CUDA_MUST(cudaDeviceSynchronize());
  }

  std::string label(const Variant& v, const char* what) const {
    return std::string(v.label) + "_" + std::to_string(o_.m) + "x" + std::to_string(o_.n) + "x" + std::to_string(o_.k) + what;
  }

  // fp32 outputs of the first m rows.
  template <typename T = float>
  std::vector<T> outputs(const Variant& v, int m, int y_type = 2, const float* bias = nullptr) {
    bench::Device<uint8_t> x(tiled_bytes(o_.kind, m, o_.k));
    tile(o_.kind, x_rows_.data(), x.data(), m, o_.k, nullptr);
    bench::Device<T> y(static_cast<size_t>(m) * o_.n);
    const bool scaled = o_.kind != Kind::kBf16;
    launch(v, {x.data(), w_.data(), scaled ? x_scales_.data() : nullptr, scaled ? w_scales_.data() : nullptr, 1, 1, bias, y.data(),
               y_type},
           m, o_.n, o_.k, nullptr);
    CUDA_MUST(cudaDeviceSynchronize());
    guards_ = guards_ && y.guards_hold() && x.guards_hold() && w_.guards_hold();
    return y.host();
  }

  // Every output, or `samples` of them.
  void against_double(const Variant& v, const std::vector<float>& y, int samples) {
    std::vector<double> actual, expected;
    bench::Random random(23);
    const size_t count = samples > 0 ? samples : y.size();
    bool shown = false;
    for (size_t i = 0; i < count; i++) {
      const size_t at = samples > 0 ? random.bits() % y.size() : i;
      expected.push_back(o_.output(static_cast<int>(at / o_.n), static_cast<int>(at % o_.n)));
      actual.push_back(y[at]);
      const double size = std::sqrt(static_cast<double>(o_.k)) * (o_.kind == Kind::kBf16 ? 1 : o_.kind == Kind::kInt8 ? 24 : 4);
      if (!shown && !(std::abs(actual.back() - expected.back()) <= 20 * bound(v, o_.k) * size)) {
        std::printf("  first wrong at m=%zu n=%zu: %.7g, expected %.7g\n", at / o_.n, at % o_.n, actual.back(), expected.back());
        shown = true;
      }
    }
    checks_.within(label(v, ""), bench::relative_error(actual, expected), bound(v, o_.k), guards_);
  }

  void run(const Variant& v, int samples) {
    guards_ = true;
    const std::vector<float> base = outputs(v, o_.m);
    against_double(v, base, samples);
    checks_.same(label(v, "_again"), outputs(v, o_.m), base, guards_);
    for (int m : {1, 127, 128, 129, 256}) {
      if (m >= o_.m) continue;
      const std::vector<float> y = outputs(v, m);
      checks_.same(label(v, ("_first_" + std::to_string(m)).c_str()), y, std::vector<float>(base.begin(), base.begin() + y.size()),
                   guards_);
    }
    for (int y_type : {0, 1}) rounded(v, base, y_type);
  }

  // Outputs of other tile widths: the same bits.
  void widths(const Variant& v, const Variant& other) {
    checks_.same(label(v, "_as_other_width"), outputs(v, o_.m), outputs(other, o_.m), guards_);
  }

 private:
  void rounded(const Variant& v, const std::vector<float>& base, int y_type) {
    std::vector<float> bias(o_.n);
    bench::Random random(3);
    for (float& value : bias) value = 100 * random.normal();
    bench::Device<float> device(bias);
    const std::vector<uint16_t> bits = outputs<uint16_t>(v, o_.m, y_type, device.data());
    std::vector<double> actual, expected;
    for (size_t i = 0; i < bits.size(); i++) {
      actual.push_back(y_type == 0 ? __bfloat162float(__ushort_as_bfloat16(bits[i])) : __half2float(__ushort_as_half(bits[i])));
      expected.push_back(static_cast<double>(base[i]) + bias[i % o_.n]);
    }
    checks_.within(label(v, y_type == 0 ? "_bf16_out" : "_fp16_out"), bench::relative_error(actual, expected),
                   y_type == 0 ? 3e-3 : 4e-4, guards_);
  }

  bench::Checks& checks_;
  const Operands& o_;
  bench::Device<uint8_t> w_;
  bench::Device<uint8_t> x_rows_;
  bench::Device<float> x_scales_;
  bench::Device<float> w_scales_;
  bool guards_ = true;
};

void check_kind(bench::Checks& checks, const bench::Options& options, Kind kind) {
  struct { int m, n, k, samples; } shapes[] = {{1, 16, 16, 0}, {130, 272, 592, 0}, {300, 1040, 2064, 20000}, {3, 208, 8192, 0},
                                               {128, 256, 28672, 4000}, {4096, 8192, 8192, 300}};
  for (const auto& s : shapes) {
    if ((options.quick && s.m == 4096) || (options.smallest && s.m != 130)) continue;
    const Operands operands(kind, s.m, s.n, s.k, 100 + s.m);
    Check check(checks, operands);
    const Variant* first = nullptr;
    for (const Variant& v : kVariants) {
      if (v.kind != kind || !options.wants(v.label)) continue;
      check.run(v, s.samples);
      if (first != nullptr) check.widths(v, *first);
      if (first == nullptr) first = &v;
    }
  }
}

struct Shape {
  const char* label;
  int m, n, k;
};
const Shape kShapes[] = {{"70b_o", 4096, 8192, 8192},       {"8b_o", 2048, 4096, 4096},       {"8b_qkv", 2048, 6144, 4096},
                         {"8b_gate_up", 2048, 28672, 4096}, {"8b_down", 2048, 4096, 14336}};

// The launcher takes this variant of its kind.
bool used(const Variant& v, const Shape& s) {
  if (v.kind != Kind::kE4m3 && v.kind != Kind::kE4m3Block) return true;
  return v.columns == gemm_prefill::columns_for(s.m, s.n, v.kind == Kind::kE4m3Block, multiprocessors());
}

// Random operands take seconds: the last are kept.
const Operands& operands_of(Kind kind, const Shape& s) {
  static std::unique_ptr<Operands> last;
  if (!last || last->kind != kind || last->m != s.m || last->n != s.n || last->k != s.k) {
    last = std::make_unique<Operands>(kind, s.m, s.n, s.k, 41);
  }
  return *last;
}

void time_one(const Variant& v, const Shape& s) {
  const Operands& operands = operands_of(v.kind, s);
  bench::Device<uint8_t> rows_x(operands.x), rows_w(operands.w);
  bench::Device<float> x_scales(operands.x_scales), w_scales(operands.w_scales);
  const size_t w_bytes = tiled_bytes(v.kind, s.n, s.k), x_bytes = tiled_bytes(v.kind, s.m, s.k);
  const int copies = static_cast<int>(130'000'000 / (w_bytes + x_bytes)) + 1;
  std::vector<bench::Device<uint8_t>> x, w;
  for (int i = 0; i < copies; i++) {
    x.emplace_back(x_bytes);
    w.emplace_back(w_bytes);
    tile(v.kind, rows_x.data(), x[i].data(), s.m, s.k, nullptr);
    tile(v.kind, rows_w.data(), w[i].data(), s.n, s.k, nullptr);
  }
  CUDA_MUST(cudaDeviceSynchronize());
  bench::Device<uint16_t> y(static_cast<size_t>(s.m) * s.n);
  const std::string shape =
      std::string(s.label) + " " + std::to_string(s.m) + "x" + std::to_string(s.n) + "x" + std::to_string(s.k);
  const bool scaled = v.kind != Kind::kBf16;
  const float* scales[2] = {scaled ? x_scales.data() : nullptr, scaled ? w_scales.data() : nullptr};
  const double us = bench::median_us(std::max(copies, 4), [&](cudaStream_t stream, int i) {
    launch(v, {x[i % copies].data(), w[i % copies].data(), scales[0], scales[1], 1, 1, nullptr, y.data(), 0}, s.m, s.n, s.k, stream);
  });
  bench::report("gemm_prefill", shape, v.label, us, static_cast<double>(w_bytes + x_bytes) + 2.0 * s.m * s.n,
                2.0 * s.m * s.n * s.k);
  if (std::string(s.label) != "70b_o") return;
  const double tile_us = bench::median_us(8, [&](cudaStream_t stream, int i) {
    tile(v.kind, rows_x.data(), x[i % copies].data(), s.m, s.k, stream);
  });
  bench::report("gemm_prefill_tile_rows", shape, name(v.kind), tile_us, 2.0 * x_bytes, 0);
}

}  // namespace

int main(int argc, char** argv) {
  bool tune = false, fused = false;
  std::vector<char*> words;
  for (int i = 0; i < argc; i++) {
    if (std::string(argv[i]) == "--tune") tune = true;
    else if (std::string(argv[i]) == "--fused") fused = true;
    else words.push_back(argv[i]);
  }
  const bench::Options options = bench::Options::parse(static_cast<int>(words.size()), words.data());
  bench::Checks checks("gemm_prefill");
  if (!tune && !fused && !options.time_only) {
    for (Kind kind : {Kind::kE4m3, Kind::kE4m3Block, Kind::kInt8, Kind::kBf16}) check_kind(checks, options, kind);
    check_fused(checks, options);
    check_int4(checks, options);
    check_int4_fp8(checks, options);
  }
  if (fused) {
    for (const Shape& s : kShapes) {
      for (const FusedVariant& v : kFusedVariants) {
        if (v.columns != 128 && options.wants(v.label)) time_fused(v, s.label, s.m, s.n, s.k);
      }
    }
  } else if (!options.check_only && checks.exit_code() == 0) {
    for (const Shape& s : kShapes) {
      if (tune && std::string(s.label) != "70b_o" && std::string(s.label) != "8b_down") continue;
      for (const Variant& v : kVariants) {
        if ((tune || used(v, s)) && options.wants(v.label)) time_one(v, s);
      }

      for (const Int4Variant& v : kInt4Variants) {
        const bool main = std::string(v.label) == "int4_bf16_g128";
        if (main && options.wants(v.label)) time_int4(v, s.label, s.m, s.n, s.k);
      }
      for (const Int4Fp8Variant& v : kInt4Fp8Variants) {
        const bool main = std::string(v.label) == "int4_e4m3_g128";
        if ((tune || main) && options.wants(v.label)) time_int4_fp8(v, s.label, s.m, s.n, s.k);
      }
      if (options.quick) break;
    }
  }
  return checks.exit_code();
}
