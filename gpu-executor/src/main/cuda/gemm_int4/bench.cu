// Checks and times gemm_int4. Options of bench.cuh, and --tune: every split at every shape. Built with -DGEMM_INT4_TUNE, only
// bf16 with groups of 128.
#ifdef GEMM_INT4_TUNE
#define GEMM_INT4_VARIANTS(V) GEMM_INT4_ROWS(V, bf16, gemm_int4::Type::kBf16, 128)
#else
#define GEMM_INT4_VARIANTS(V)                           \
  GEMM_INT4_GROUPS(V, bf16, gemm_int4::Type::kBf16)     \
  GEMM_INT4_GROUPS(V, fp16, gemm_int4::Type::kFp16)     \
  GEMM_INT4_GROUPS(V, e4m3, gemm_int4::Type::kE4m3)
#endif
#include "gemm_int4.cu"

#include <cuda_fp8.h>

#include "../include/bench_tensor_map.cuh"
#include "bench_data.cuh"
#include "split.cuh"

namespace {

using gemm_int4::Type;

struct Variant {
  const char* x;
  int group, rows, split;
  void (*kernel)(CUtensorMap, const uint8_t*, const float*, const float*, const void*, void*, int, int, int, int, int);
  int bytes;
};

#define VARIANT(x, type, group, rows, split, cluster)                          \
  {#x, group, rows, split, gemm_int4_##x##_g##group##_n##rows##_s##split,      \
   gemm_int4::Plan<type, group, rows, split>::kBytes},
const Variant kVariants[] = {GEMM_INT4_VARIANTS(VARIANT)};

const Variant& variant(Type type, int group, int rows, int split) {
  for (const Variant& v : kVariants) {
    if (name(type) == v.x && v.group == group && v.rows == rows && v.split == split) return v;
  }
  std::fprintf(stderr, "no such variant\n");
  std::exit(2);
}

int rows_for(int m) { return m <= 8 ? 8 : m <= 16 ? 16 : m <= 32 ? 32 : m <= 64 ? 64 : 128; }

constexpr int kSplits[] = {8, 5, 4, 3, 2, 1};   // of variants.cuh

struct Operands {
  const uint8_t* weights;
  const void* x;
  int row_bytes;
  const float* x_scales;
  const float* bias;
  void* y;
};

void launch(const Variant& v, const Operands& o, int m, int n, int k, bool asymmetric, int y_type, cudaStream_t stream, int blocks = 6) {
  const int bytes = gemm_int4::shared_bytes(std::min(blocks, gemm_int4::most_blocks(v.rows)));
  CUDA_MUST(cudaFuncSetAttribute(v.kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes));
  cudaLaunchConfig_t config{};
  const int height = gemm_int4::block_rows(v.rows);
  config.gridDim = dim3((n + height - 1) / height * v.split);
  config.blockDim = dim3(gemm_int4::block_threads(v.rows));
  config.dynamicSmemBytes = bytes;
  config.stream = stream;
  cudaLaunchAttribute attribute{};
  attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  attribute.val.programmaticStreamSerializationAllowed = 1;
  config.attrs = &attribute;
  config.numAttrs = 1;
  CUDA_MUST(cudaLaunchKernelEx(&config, v.kernel, bench::tensor_map(o.x, m, o.row_bytes), o.weights, o.x_scales, o.bias,
                               static_cast<const void*>(nullptr), o.y, m, n, k,
                               static_cast<int>(asymmetric), y_type));
  LAUNCHED();
}

// The tiled weights of a case on the device.
bench::Device<uint8_t> tiled(const Case& c, const Weights& w) {
  const int blocks = (w.k + 127) / 128, tiles = (w.n + 127) / 128, group = c.tile_group();
  bench::Device<uint32_t> codes(w.packed_codes());
  bench::Device<uint16_t> scales(w.scale_bits);
  bench::Device<uint32_t> zeros(w.packed_zeros());
  bench::Device<uint8_t> to(static_cast<size_t>(blocks) * tiles * gemm_int4::block_bytes(group, c.asymmetric));
  gemm_int4_tile<<<dim3(blocks, tiles), gemm_int4::kTileThreads>>>(codes.data(), scales.data(),
                                                                   c.asymmetric ? zeros.data() : nullptr, nullptr, nullptr, nullptr,
                                                                   to.data(), w.n, w.k, group, c.group == 0, c.type == Type::kE4m3);
  LAUNCHED();
  CUDA_MUST(cudaDeviceSynchronize());
  return to;
}

// One case: a reference of 128 rows, and every split and number of rows against it.
class Check {
 public:
  Check(bench::Checks& checks, const Case& c, int n, int k)
      : checks_(checks), case_(c), weights_(c, n, k, 7 + n), x_(c, k, 11 + k), tiled_(tiled(c, weights_)), x_device_(x_.bytes),
        x_scales_(x_.scales), bias_(random_bias(n)), bias_device_(bias_), expected_(product(weights_, x_)) {}

  void run() {
    for (int split : kSplits) run(split);
    for (int y_type : {0, 1}) rounded_output(y_type);
  }

  // Every kernel once.
  void run_once() {
    for (int split : kSplits) {
      for (int rows : {8, 16, 32, 64, 128}) {
        guards_ = true;
        const std::vector<float> y = outputs(split, rows, rows - 1);
        within(label(split) + "_rows" + std::to_string(rows), std::vector<double>(y.begin(), y.end()),
               std::vector<double>(expected_.begin(), expected_.begin() + y.size()), case_.type == Type::kE4m3 ? 1e-3 : 1e-5);
      }
    }
  }

 private:
  static constexpr int kRows = 128;

  std::string label(int split) const {
    return case_.label() + "_" + std::to_string(weights_.n) + "x" + std::to_string(weights_.k) + "_s" + std::to_string(split);
  }

  // fp32 outputs [kRows, N]; rows from m on must stay poison.
  template <typename T = float>
  std::vector<T> outputs(int split, int rows, int m, int y_type = 2, bool with_bias = false) {
    const size_t count = static_cast<size_t>(kRows) * weights_.n;
    bench::Device<T> y(count);
    launch(variant(case_.type, case_.tile_group(), rows, split),
           {tiled_.data(), x_device_.data(), static_cast<int>(weights_.k * case_.element_bytes()), case_.type == Type::kE4m3 ? x_scales_.data() : nullptr,
            with_bias ? bias_device_.data() : nullptr, y.data()},
           m, weights_.n, weights_.k, case_.asymmetric, y_type, nullptr);
    CUDA_MUST(cudaDeviceSynchronize());
    guards_ = guards_ && y.guards_hold();
    std::vector<T> host = y.host();
    const unsigned char* beyond = reinterpret_cast<const unsigned char*>(host.data() + static_cast<size_t>(m) * weights_.n);
    const size_t bytes = (count - static_cast<size_t>(m) * weights_.n) * sizeof(T);
    guards_ = guards_ && std::all_of(beyond, beyond + bytes, [](unsigned char byte) { return byte == 0xFF; });
    host.resize(static_cast<size_t>(m) * weights_.n);
    return host;
  }

  void run(int split) {
    guards_ = true;
    const std::vector<float> base = outputs(split, 128, 128);
    // fp32 sums of exact products; fp8 products are summed with about 14 bits, 128 at a time.
    within(label(split), std::vector<double>(base.begin(), base.end()), expected_, case_.type == Type::kE4m3 ? 1e-3 : 1e-5);
    checks_.same(label(split) + "_again", outputs(split, 128, 128), base, guards_);
    std::vector<float> actual, wanted;
    const auto append = [&](const std::vector<float>& y) {
      actual.insert(actual.end(), y.begin(), y.end());
      wanted.insert(wanted.end(), base.begin(), base.begin() + y.size());
    };
    for (int m : {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 100, 127}) append(outputs(split, rows_for(m), m));
    for (int rows : {16, 32, 64, 128}) append(outputs(split, rows, 1));
    checks_.same(label(split) + "_any_m", actual, wanted, guards_);
    const auto row = [&](int i) { return std::vector<float>(base.begin() + i * weights_.n, base.begin() + (i + 1) * weights_.n); };
    checks_.same(label(split) + "_row_5", row(5), row(0));
    checks_.same(label(split) + "_row_77", row(77), row(0));
  }

  void rounded_output(int y_type) {
    guards_ = true;
    const int m = 17;
    const std::vector<uint16_t> bits = outputs<uint16_t>(2, 32, m, y_type, true);
    std::vector<double> actual, expected;
    for (int i = 0; i < m * weights_.n; i++) {
      actual.push_back(widen(y_type == 0 ? Type::kBf16 : Type::kFp16, bits[i]));
      expected.push_back(expected_[i] + bias_[i % weights_.n]);
    }
    within(label(2) + (y_type == 0 ? "_bf16_out" : "_fp16_out"), actual, expected, y_type == 0 ? 3e-3 : 1.1e-3);
  }

  void within(const std::string& name, const std::vector<double>& actual, const std::vector<double>& expected, double bound) {
    const double error = bench::relative_error(actual, expected);
    checks_.within(name, error, bound, guards_);
    if (error <= bound) return;
    double norm = 0;
    for (double value : expected) norm += value * value;
    const double tolerance = 10 * bound * std::sqrt(norm / static_cast<double>(expected.size()));
    for (size_t i = 0; i < expected.size(); i++) {
      if (std::abs(actual[i] - expected[i]) <= tolerance) continue;
      std::printf("  first wrong at m=%zu n=%zu: %.7g, expected %.7g\n", i / weights_.n, i % weights_.n, actual[i], expected[i]);
      return;
    }
  }

  static std::vector<float> random_bias(int n) {
    bench::Random random(3);
    std::vector<float> bias(n);
    for (float& value : bias) value = random.normal();
    return bias;
  }

  bench::Checks& checks_;
  Case case_;
  Weights weights_;
  Activations x_;
  bench::Device<uint8_t> tiled_;
  bench::Device<uint8_t> x_device_;
  bench::Device<float> x_scales_;
  std::vector<float> bias_;
  bench::Device<float> bias_device_;
  std::vector<double> expected_;
  bool guards_ = true;
};

void check_all(bench::Checks& checks, const bench::Options& options) {
  for (const Case& c : all_cases()) {
    if (!options.wants(c.label())) continue;
#ifdef GEMM_INT4_TUNE
    if (c.type != Type::kBf16 || c.tile_group() != 128) continue;
#endif
    const int unit = c.group == 0 ? 16 : c.group;
    if (options.smallest) {
      Check(checks, c, 144, 320 / unit * unit + unit).run_once();
      continue;
    }
    Check(checks, c, 272, 576 / unit * unit + unit).run();   // no tile divides N or K
    Check(checks, c, 16, unit).run();                        // shares of K that are empty
    Check(checks, c, 128, 128).run();
    if (!options.quick) Check(checks, c, 1040, 2176).run();  // rings go round several times
  }
}

struct Shape {
  const char* label;
  int n, k;
  int split;   // of split.cuh
};
const Shape kShapes[] = {{"70b_o", 8192, 8192, 4},        {"70b_qkv", 10240, 8192, 3}, {"70b_gate_up", 57344, 8192, 1},
                         {"70b_down", 8192, 28672, 8},    {"8b_o", 4096, 4096, 8},     {"8b_qkv", 6144, 4096, 4},
                         {"8b_gate_up", 28672, 4096, 2},  {"8b_down", 4096, 14336, 8}};

void check_splits(bench::Checks& checks) {
  for (const Shape& s : kShapes) {
    checks.within(std::string(s.label) + "_split", std::abs(gemm_int4::split_of(s.n, s.k).split - s.split), 0.0, true);
  }
}

// `copies` buffers of random bytes: any code, and scales that are finite in bf16 and fp16.
std::vector<bench::Device<uint8_t>> random_weights(size_t bytes, int copies) {
  static const std::vector<uint64_t> pattern = [] {
    std::vector<uint64_t> words(1 << 20);
    bench::Random random(5);
    for (uint64_t& word : words) word = random.bits() & 0x3FFF3FFF3FFF3FFFull;
    return words;
  }();
  std::vector<bench::Device<uint8_t>> weights;
  for (int i = 0; i < copies; i++) {
    weights.emplace_back(bytes);
    for (size_t at = 0; at < bytes; at += 8 * pattern.size()) {
      const size_t count = std::min(bytes - at, 8 * pattern.size());
      CUDA_MUST(cudaMemcpy(weights[i].data() + at, pattern.data(), count, cudaMemcpyHostToDevice));
    }
  }
  return weights;
}

// A chain of one GEMM over copies of the weights that no cache holds.
void time_one(const Case& c, const Shape& shape, int m, gemm_int4::Split split) {
  const size_t bytes = static_cast<size_t>((shape.n + 127) / 128) * ((shape.k + 127) / 128) *
                       gemm_int4::block_bytes(c.tile_group(), c.asymmetric);
  const int copies = static_cast<int>(160'000'000 / bytes) + 2;
  static std::vector<bench::Device<uint8_t>> weights;   // of the last shape
  if (weights.empty() || weights[0].bytes() != bytes) {
    weights.clear();
    weights = random_weights(bytes, copies);
  }
  const Activations x(c, shape.k, 13);
  bench::Device<uint8_t> x_device(x.bytes);
  bench::Device<float> x_scales(x.scales);
  bench::Device<uint16_t> y(static_cast<size_t>(128) * shape.n);
  const Variant& v = variant(c.type, c.tile_group(), rows_for(m), split.split);
  const double us = bench::median_us(std::max(copies, 20), [&](cudaStream_t stream, int i) {
    launch(v, {weights[i % copies].data(), x_device.data(), static_cast<int>(shape.k * c.element_bytes()), x_scales.data(), nullptr, y.data()}, m, shape.n, shape.k, c.asymmetric,
           0, stream, split.blocks);
  });
  const double moved = static_cast<double>(bytes) + static_cast<double>(m) * (shape.k * c.element_bytes() + shape.n * 2.0);
  bench::report("gemm_int4",
                std::string(shape.label) + " " + std::to_string(m) + "x" + std::to_string(shape.n) + "x" + std::to_string(shape.k),
                c.label() + " rows" + std::to_string(v.rows) + " split" + std::to_string(split.split) + " blocks" +
                    std::to_string(std::min(split.blocks, gemm_int4::most_blocks(v.rows))),
                us, moved,
                2.0 * m * shape.n * shape.k);
}

#ifdef GEMM_INT4_TUNE
// How many clusters of each variant run at once.
void print_clusters() {
  for (const Variant& v : kVariants) {
    CUDA_MUST(cudaFuncSetAttribute(v.kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, v.bytes));
    cudaLaunchConfig_t config{};
    config.gridDim = dim3(792 / v.split * v.split);
    config.blockDim = dim3(gemm_int4::block_threads(v.rows));
    config.dynamicSmemBytes = v.bytes;
    int clusters = 0;
    CUDA_MUST(cudaOccupancyMaxActiveClusters(&clusters, v.kernel, &config));
    std::printf("rows %d split %d: %d clusters, %d blocks at once\n", v.rows, v.split, clusters, clusters * v.split);
  }
}
#endif

void time_all(const bench::Options& options, bool tune) {
  const Case main_case{Type::kBf16, 128, false};
  for (const Shape& shape : kShapes) {
    if (!options.wants(shape.label) && !options.only.empty()) continue;
    for (int m : {1, 4, 8, 16, 32, 64, 128}) {
      if (options.quick && m != 1 && m != 16 && m != 64) continue;
      if (!tune) {
        time_one(main_case, shape, m, gemm_int4::split_of(shape.n, shape.k));
      } else if (m == 1 || m == 16 || m == 64) {
        for (int split : kSplits) {
          for (int blocks : {3, 4, 5, 6}) {
            if (m > 16 && blocks > 3) continue;
            if (blocks <= gemm_int4::most_blocks(rows_for(m)) || blocks == 3) time_one(main_case, shape, m, {split, blocks});
          }
        }
      }
    }
    if (tune || options.quick) continue;
#ifndef GEMM_INT4_TUNE
    for (const Case& c : all_cases()) {
      if (c.group != 0 && c.label() != main_case.label()) time_one(c, shape, 1, gemm_int4::split_of(shape.n, shape.k));
    }
#endif
  }
}

}  // namespace

int main(int argc, char** argv) {
  bool tune = false;
  std::vector<char*> words;
  for (int i = 0; i < argc; i++) {
    if (std::string(argv[i]) == "--tune") tune = true;
    else words.push_back(argv[i]);
  }
  const bench::Options options = bench::Options::parse(static_cast<int>(words.size()), words.data());
  bench::Checks checks("gemm_int4");
#ifdef GEMM_INT4_TUNE
  print_clusters();
#endif
  check_splits(checks);
  if (!tune && !options.time_only) check_all(checks, options);
  if (!options.check_only && checks.exit_code() == 0) time_all(options, tune);
  return checks.exit_code();
}
