// Checks and times gemm_grouped; options of bench.cuh.
#include "gemm_grouped.cu"

#include "bench_data.cuh"

namespace {

using Kernel = void (*)(const uint8_t*, const uint8_t*, const int*, const float*, const float*, const float*, void*, int, int, int, int);

struct Variant {
  const char* label;
  Kind kind;
  Kernel kernel;
  int bytes, threads, columns;
  bool hopper, decode;
};

#define HOPPER(name, kind) \
  {#name, kind, gemm_grouped_##name, GemmGrouped_##name::kBytes, gemm_prefill::kThreads, GemmGrouped_##name::kN, true, false}
#define PORTABLE(name, family, kind, decode)                                                                                 \
  {"portable_" #name "_" #family, kind, gemm_grouped_portable_##name##_##family, GemmGroupedPortable_##name##_##family::kBytes, \
   GemmGroupedPortable_##name##_##family::Tile::kThreads, GemmGroupedPortable_##name##_##family::Tile::kW, false, decode}
const Variant kVariants[] = {HOPPER(e4m3_n192, Kind::kE4m3),
                             HOPPER(e4m3_block_n192, Kind::kE4m3Block),
                             HOPPER(bf16_n256, Kind::kBf16),
                             PORTABLE(e4m3, decode, Kind::kE4m3, true),
                             PORTABLE(e4m3, prefill, Kind::kE4m3, false),
                             PORTABLE(e4m3_block, decode, Kind::kE4m3Block, true),
                             PORTABLE(e4m3_block, prefill, Kind::kE4m3Block, false),
                             PORTABLE(bf16, decode, Kind::kBf16, true),
                             PORTABLE(bf16, prefill, Kind::kBf16, false)};

__global__ void __launch_bounds__(gemm_prefill::kTileThreads) tile(const uint8_t* from, uint8_t* to, int rows, long long row_bytes) {
  gemm_prefill::tile_rows(from, nullptr, to, rows, row_bytes);
}

int multiprocessors() {
  int count;
  CUDA_MUST(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, 0));
  return count;
}

struct Call {
  const uint8_t* x;
  const uint8_t* w;
  const int* offsets;
  const float* x_scales;
  const float* w_scales;
  const float* bias;
  void* y;
  int y_type;
};

void launch(const Variant& v, const Call& c, int experts, int tokens, int n, int k, cudaStream_t stream) {
  CUDA_MUST(cudaFuncSetAttribute(v.kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, v.bytes));
  const int tiles = (std::min(experts, tokens) + tokens / 256) * ((n + v.columns - 1) / v.columns);
  const int grid = v.hopper ? 2 * std::min(std::max(tiles, 1), multiprocessors() / 2) : 2 * multiprocessors();
  v.kernel<<<grid, v.threads, v.bytes, stream>>>(c.x, c.w, c.offsets, c.x_scales, c.w_scales, c.bias, c.y, experts, n,
                                                 k * element_bytes(v.kind), c.y_type);
  LAUNCHED();
}

size_t tiled_bytes(Kind kind, int rows, int k) {
  return static_cast<size_t>((rows + 127) / 128) * blocks_of(kind, k) * gemm_prefill::kBlockBytes;
}

double bound(const Variant& v, int k) { return v.kind == Kind::kBf16 || !v.hopper ? 1e-5 + 5e-9 * k : 2e-3; }

class Check {
 public:
  Check(bench::Checks& checks, const Experts& experts, std::string shape)
      : checks_(checks), e_(experts), shape_(std::move(shape)), w_(experts.experts.size() * tiled_bytes(e_.kind, e_.n, e_.k)),
        w_scales_(e_.w_scales()), bias_(e_.bias) {
    for (size_t i = 0; i < e_.experts.size(); i++) {
      bench::Device<uint8_t> rows(e_.experts[i].w);
      tile<<<dim3(blocks_of(e_.kind, e_.k), (e_.n + 127) / 128), gemm_prefill::kTileThreads>>>(
          rows.data(), w_.data() + i * tiled_bytes(e_.kind, e_.n, e_.k), e_.n, static_cast<long long>(e_.k) * element_bytes(e_.kind));
      LAUNCHED();
      CUDA_MUST(cudaDeviceSynchronize());
    }
  }

  void run(const Variant& v) {
    guards_ = true;
    constexpr int kAll = 1 << 30;
    const std::vector<float> base = outputs<float>(v, kAll, 2, false);
    against_double(v, base);
    checks_.same(label(v, "_again"), outputs<float>(v, kAll, 2, false), base, guards_);
    for (int limit : {1, 7, 16, 128, 129}) {
      checks_.same(label(v, "_first_" + std::to_string(limit)), outputs<float>(v, limit, 2, false), e_.first(base, limit), guards_);
    }
    rounded(v, base);
  }

 private:
  std::string label(const Variant& v, const std::string& what) const { return std::string(v.label) + "_" + shape_ + what; }

  template <typename T>
  std::vector<T> outputs(const Variant& v, int limit, int y_type, bool biased) {
    const std::vector<int> offsets = e_.offsets(limit);
    bench::Device<uint8_t> x(e_.x(limit));
    bench::Device<int> offsets_device(offsets);
    bench::Device<float> x_scales(e_.x_scales(limit));
    bench::Device<T> y(static_cast<size_t>(offsets.back()) * e_.n);
    const bool scaled = e_.kind != Kind::kBf16;
    launch(v, {x.data(), w_.data(), offsets_device.data(), scaled ? x_scales.data() : nullptr, scaled ? w_scales_.data() : nullptr,
               biased ? bias_.data() : nullptr, y.data(), y_type},
           static_cast<int>(e_.experts.size()), offsets.back(), e_.n, e_.k, nullptr);
    CUDA_MUST(cudaDeviceSynchronize());
    guards_ = guards_ && y.guards_hold() && x.guards_hold() && w_.guards_hold();
    return y.host();
  }

  void against_double(const Variant& v, const std::vector<float>& y) {
    std::vector<double> actual, expected;
    bench::Random random(23);
    size_t first = 0;
    for (const Operands& o : e_.experts) {
      const size_t count = static_cast<size_t>(o.m) * o.n;
      for (size_t i = 0; i < std::min<size_t>(count, 2000); i++) {
        const size_t at = count <= 2000 ? i : random.bits() % count;
        actual.push_back(y[first + at]);
        expected.push_back(o.output(static_cast<int>(at / o.n), static_cast<int>(at % o.n)));
      }
      first += count;
    }
    checks_.within(label(v, ""), bench::relative_error(actual, expected), bound(v, e_.k), guards_);
  }

  void rounded(const Variant& v, const std::vector<float>& base) {
    const std::vector<uint16_t> y = outputs<uint16_t>(v, 1 << 30, 0, true);
    std::vector<uint16_t> expected;
    for (size_t e = 0; e < e_.experts.size(); e++) {
      for (size_t i = 0; i < static_cast<size_t>(e_.experts[e].m) * e_.n; i++) {
        const float sum = base[expected.size()] + e_.bias[e * e_.n + i % e_.n];
        expected.push_back(__bfloat16_as_ushort(__float2bfloat16_rn(sum)));
      }
    }
    checks_.same(label(v, "_bf16_bias"), y, expected, guards_);
  }

  bench::Checks& checks_;
  const Experts& e_;
  std::string shape_;
  bench::Device<uint8_t> w_;
  bench::Device<float> w_scales_;
  bench::Device<float> bias_;
  bool guards_ = true;
};

void check_kind(bench::Checks& checks, const bench::Options& options, Kind kind) {
  const struct { std::vector<int> counts; int n, k; } shapes[] = {
      {{1}, 16, 16}, {{0, 0, 3, 0}, 144, 272}, {{5, 0, 130, 1, 257, 0, 17}, 272, 592}, {{600, 40}, 1040, 2064},
      {{2, 16, 9, 0, 1}, 208, 8192}};
  for (const auto& s : shapes) {
    if (options.smallest && s.k != 592) continue;
    const Experts experts(kind, s.counts, s.n, s.k);
    Check check(checks, experts, std::to_string(s.counts.size()) + "x" + std::to_string(s.n) + "x" + std::to_string(s.k));
    for (const Variant& v : kVariants) {
      if (v.kind == kind && options.wants(v.label)) check.run(v);
    }
  }
}

// Random numbers of the kind, over and over.
bench::Device<uint8_t> random_bytes(Kind kind, size_t bytes) {
  static std::unique_ptr<Codes> codes;
  static Kind last;
  if (!codes || last != kind) codes = std::make_unique<Codes>(kind);
  last = kind;
  const std::vector<uint8_t> part = codes->matrix(1, (1 << 20) / element_bytes(kind), 5);
  bench::Device<uint8_t> all(bytes);
  for (size_t at = 0; at < bytes; at += part.size()) {
    CUDA_MUST(cudaMemcpy(all.data() + at, part.data(), std::min(part.size(), bytes - at), cudaMemcpyHostToDevice));
  }
  return all;
}

struct Shape {
  const char* label;
  std::vector<int> counts;
  int n, k;
};

void time_one(const Variant& v, const Shape& s, const bench::Device<uint8_t>& w) {
  std::vector<int> offsets = {0};
  int active = 0;
  for (int count : s.counts) {
    offsets.push_back(offsets.back() + count);
    active += count > 0;
  }
  const int experts = static_cast<int>(s.counts.size()), tokens = offsets.back(), blocks = blocks_of(v.kind, s.k);
  const size_t x_bytes = static_cast<size_t>(tokens) * s.k * element_bytes(v.kind);
  const bench::Device<uint8_t> x = random_bytes(v.kind, x_bytes);
  const bench::Device<int> device_offsets(offsets);
  const bench::Device<float> x_scales(std::vector<float>(static_cast<size_t>(tokens) * blocks, 1.0f)),
      w_scales(std::vector<float>(static_cast<size_t>(experts) * (s.n + s.n / 128 * blocks), 0.01f));
  bench::Device<uint16_t> y(static_cast<size_t>(tokens) * s.n);
  const bool scaled = v.kind != Kind::kBf16;
  const double us = bench::median_us(4, [&](cudaStream_t stream, int) {
    launch(v, {x.data(), w.data(), device_offsets.data(), scaled ? x_scales.data() : nullptr, scaled ? w_scales.data() : nullptr, nullptr,
               y.data(), 0},
           experts, tokens, s.n, s.k, stream);
  });
  bench::report("gemm_grouped", std::string(s.label) + " " + std::to_string(experts) + " experts " + std::to_string(tokens) + " tokens " +
                                    std::to_string(s.n) + "x" + std::to_string(s.k),
                v.label, us, static_cast<double>(active) * tiled_bytes(v.kind, s.n, s.k) + x_bytes + 2.0 * tokens * s.n,
                2.0 * tokens * s.n * s.k);
}

std::vector<int> counts(int experts, int low, int high) {
  bench::Random random(7);
  std::vector<int> counts;
  for (int e = 0; e < experts; e++) counts.push_back(low + static_cast<int>(random.bits() % (high - low + 1)));
  return counts;
}

void time_all(const bench::Options& options) {
  const Shape shapes[] = {{"even", std::vector<int>(8, 512), 8192, 8192},   {"uneven", counts(8, 100, 924), 8192, 8192},
                          {"mixtral_2", std::vector<int>(8, 2), 28672, 4096}, {"deepseek_1_16", counts(32, 1, 16), 4096, 7168},
                          {"small_1_4", counts(64, 0, 4), 2816, 2048}};
  for (const Shape& s : shapes) {
    for (Kind kind : {Kind::kE4m3, Kind::kE4m3Block, Kind::kBf16}) {
      const bench::Device<uint8_t> w = random_bytes(kind, s.counts.size() * tiled_bytes(kind, s.n, s.k));
      for (const Variant& v : kVariants) {
        if (v.kind != kind || !options.wants(v.label) || (!v.hopper && v.decode != (s.counts[0] < 17))) continue;
        time_one(v, s, w);
      }
    }
    if (options.quick) break;
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options = bench::Options::parse(argc, argv);
  bench::Checks checks("gemm_grouped");
  for (Kind kind : {Kind::kE4m3, Kind::kE4m3Block, Kind::kBf16}) {
    if (!options.time_only) check_kind(checks, options, kind);
  }
  if (!options.check_only && checks.exit_code() == 0) time_all(options);
  return checks.exit_code();
}
