// Checks gemm_sparse against double and times it beside this project's dense fp8 and bf16 products (those of gemm_prefill) with M = 4096 and
// the projections of Llama-3 70B. Options of bench.cuh, and --tune: every width at every shape.
#include "gemm_sparse.cu"

#include "../gemm_prefill/gemm.cuh"
#include "../gemm_prefill/width.cuh"
#include "bench_data.cuh"
#include "width.cuh"

namespace {

using Kernel = void (*)(const uint8_t*, const uint8_t*, const float*, const float*, int, int, const float*, void*, int, int, int, int);

struct Variant {
  const char* label;
  int element_bytes;
  Kernel kernel;
  int bytes, columns;
};

#define VARIANT(name, element_bytes) {#name, element_bytes, gemm_sparse_##name, GemmSparse_##name::kBytes, GemmSparse_##name::kN}
const Variant kVariants[] = {VARIANT(e4m3_n192, 1), VARIANT(e4m3_n176, 1), VARIANT(e4m3_n160, 1), VARIANT(e4m3_n128, 1),
                             VARIANT(bf16_n192, 2), VARIANT(bf16_n176, 2), VARIANT(bf16_n160, 2), VARIANT(bf16_n128, 2)};

using Dense192 = gemm_prefill::Config<gemm_prefill::E4m3, 192, 4, false>;
using Dense128 = gemm_prefill::Config<gemm_prefill::E4m3, 128, 4, false>;
using DenseBf16 = gemm_prefill::Config<gemm_prefill::Bf16, 256, 0, false>;

template <typename C>
__global__ void __cluster_dims__(2) __launch_bounds__(gemm_prefill::kThreads, 1) dense_kernel(gemm_prefill::Problem p) {
  gemm_prefill::gemm<C>(p);
}

__global__ void __launch_bounds__(gemm_prefill::kTileThreads) tile_kernel(const uint8_t* from, uint8_t* to, int rows, long long row_bytes) {
  gemm_prefill::tile_rows(from, nullptr, to, rows, row_bytes);
}

int multiprocessors() {
  int count;
  CUDA_MUST(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, 0));
  return count;
}

void launch(const Variant& v, const Operands& o, const uint8_t* x, const uint8_t* w, const float* bias, void* y, int m, int y_type,
            cudaStream_t stream) {
  CUDA_MUST(cudaFuncSetAttribute(v.kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, v.bytes));
  const int tiles = (o.n + 511) / 512 * ((m + v.columns - 1) / v.columns);
  const bool scaled = o.bytes == 1;
  v.kernel<<<2 * std::min(tiles, multiprocessors() / 2), gemm_prefill::kThreads, v.bytes, stream>>>(
      x, w, scaled ? o.x_scales.data() : nullptr, scaled ? o.w_scales.data() : nullptr, 1, 1, bias, y, m, o.n, o.blocks(), y_type);
  LAUNCHED();
}

template <typename C>
void launch_dense(const Operands& o, const uint8_t* x, const uint8_t* w, void* y, cudaStream_t stream) {
  CUDA_MUST(cudaFuncSetAttribute(dense_kernel<C>, cudaFuncAttributeMaxDynamicSharedMemorySize, C::kBytes));
  const int tiles = (o.m + 255) / 256 * ((o.n + C::kN - 1) / C::kN);
  const bool scaled = o.bytes == 1;
  dense_kernel<C><<<2 * std::min(tiles, multiprocessors() / 2), gemm_prefill::kThreads, C::kBytes, stream>>>(
      {x, w, {y, nullptr, scaled ? o.x_scales.data() : nullptr, scaled ? o.w_scales.data() : nullptr, 1, 1, o.m, o.n, 0, nullptr},
       o.blocks()});
  LAUNCHED();
}

size_t tiled_bytes(const Operands& o, int rows) {
  return static_cast<size_t>((rows + 127) / 128) * o.blocks() * gemm_prefill::kBlockBytes;
}

size_t packed_bytes(const Operands& o) {
  const int block = o.bytes == 1 ? gemm_sparse::kPackedBytes<1> : gemm_sparse::kPackedBytes<2>;
  return static_cast<size_t>((o.n + 127) / 128) * o.blocks() * block;
}

void tile(const Operands& o, const uint8_t* from, uint8_t* to, int rows, cudaStream_t stream) {
  tile_kernel<<<dim3(o.blocks(), (rows + 127) / 128), gemm_prefill::kTileThreads, 0, stream>>>(from, to, rows,
                                                                                               static_cast<long long>(o.k) * o.bytes);
  LAUNCHED();
}

// The first place that is not 2:4, or -1.
long long pack(const Operands& o, uint8_t* to) {
  bench::Device<unsigned long long> first_wrong(1);
  const auto kernel = o.bytes == 1 ? gemm_sparse_pack_e4m3 : gemm_sparse_pack_bf16;
  kernel<<<dim3(o.blocks(), (o.n + 127) / 128), gemm_sparse::kPackThreads>>>(o.w.data(), to, o.n, static_cast<long long>(o.k) * o.bytes,
                                                                            first_wrong.data());
  LAUNCHED();
  CUDA_MUST(cudaDeviceSynchronize());
  return static_cast<long long>(first_wrong.host()[0]);
}

// fp8: the tensor core keeps about 14 bits of a sum over all of K.
double bound(const Variant& v, int k) { return v.element_bytes == 2 ? 1e-5 + 5e-9 * k : k > 8192 ? 3.5e-3 : 2e-3; }

class Check {
 public:
  Check(bench::Checks& checks, const Operands& o) : checks_(checks), o_(o), host_(o), w_(packed_bytes(o)) {
    wrong_ = pack(o, w_.data());
  }

  void run(const Variant& v, int samples) {
    const std::vector<float> base = outputs<float>(v, o_.m, 2, nullptr);
    against_double(v, base, samples);
    checks_.same(label(v, "_again"), outputs<float>(v, o_.m, 2, nullptr), base, guards_);
    for (int m : {1, 127, 128, 129, 192, 193}) {
      if (m >= o_.m) continue;
      const std::vector<float> y = outputs<float>(v, m, 2, nullptr);
      checks_.same(label(v, ("_first_" + std::to_string(m)).c_str()), y, std::vector<float>(base.begin(), base.begin() + y.size()), guards_);
    }
    for (int y_type : {0, 1}) rounded(v, base, y_type);
    if (first_.empty()) first_ = base;
    checks_.same(label(v, "_as_first_width"), base, first_, guards_);
  }

 private:
  std::string label(const Variant& v, const char* what) const {
    return std::string(v.label) + "_" + std::to_string(o_.m) + "x" + std::to_string(o_.n) + "x" + std::to_string(o_.k) + what;
  }

  template <typename T>
  std::vector<T> outputs(const Variant& v, int m, int y_type, const float* bias) {
    bench::Device<uint8_t> x(tiled_bytes(o_, m));
    tile(o_, o_.x.data(), x.data(), m, nullptr);
    bench::Device<T> y(static_cast<size_t>(m) * o_.n);
    launch(v, o_, x.data(), w_.data(), bias, y.data(), m, y_type, nullptr);
    CUDA_MUST(cudaDeviceSynchronize());
    guards_ = wrong_ == -1 && guards_ && y.guards_hold() && x.guards_hold() && w_.guards_hold();
    return y.host();
  }

  void against_double(const Variant& v, const std::vector<float>& y, int samples) {
    std::vector<double> actual, expected;
    bench::Random random(23);
    const size_t count = samples > 0 ? samples : y.size();
    bool shown = false;
    for (size_t i = 0; i < count; i++) {
      const size_t at = samples > 0 ? random.bits() % y.size() : i;
      expected.push_back(host_.output(at / o_.n, at % o_.n));
      actual.push_back(y[at]);
      const double size = std::sqrt(static_cast<double>(o_.k));
      if (!shown && !(std::abs(actual.back() - expected.back()) <= 20 * bound(v, o_.k) * size)) {
        std::printf("  first wrong at m=%zu n=%zu: %.7g, expected %.7g\n", at / o_.n, at % o_.n, actual.back(), expected.back());
        shown = true;
      }
    }
    checks_.within(label(v, ""), bench::relative_error(actual, expected), bound(v, o_.k), guards_);
  }

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
    checks_.within(label(v, y_type == 0 ? "_bf16_out" : "_fp16_out"), bench::relative_error(actual, expected), y_type == 0 ? 3e-3 : 4e-4,
                   guards_);
  }

  bench::Checks& checks_;
  const Operands& o_;
  HostOperands host_;
  bench::Device<uint8_t> w_;
  std::vector<float> first_;
  long long wrong_;
  bool guards_ = true;
};

// Three numbers of four in one group: the packing names its place, the first of two.
void check_refused(bench::Checks& checks, int bytes) {
  Operands o(1, 144, 272, bytes, 7, true);
  bench::Device<uint8_t> w(packed_bytes(o));
  for (const size_t at : {143 * 272 + 268, 129 * 272 + 4}) {
    CUDA_MUST(cudaMemset(o.w.data() + at * bytes, 0x38, 3 * bytes));
    checks.same("pack_names_the_place_" + std::to_string(bytes), std::vector<long long>{pack(o, w.data())},
                std::vector<long long>{static_cast<long long>(at)});
  }
}

void check_all(bench::Checks& checks, const bench::Options& options) {
  struct { int m, n, k, samples; } shapes[] = {{1, 16, 16, 0}, {130, 272, 592, 0}, {501, 1040, 2064, 20000}, {3, 208, 8192, 0},
                                               {193, 528, 28672, 2000}};
  for (int bytes : {1, 2}) {
    check_refused(checks, bytes);
    for (const auto& s : shapes) {
      if (options.smallest && s.m != 130) continue;
      const Operands operands(s.m, s.n, s.k, bytes, 100 + s.m, true);
      Check check(checks, operands);
      for (const Variant& v : kVariants) {
        if (v.element_bytes == bytes && options.wants(v.label)) check.run(v, s.samples);
      }
    }
  }
}

struct Shape {
  const char* label;
  int m, n, k;
};
const Shape kShapes[] = {{"70b_o", 4096, 8192, 8192}, {"70b_qkv", 4096, 10240, 8192}, {"70b_gate_up", 4096, 57344, 8192},
                         {"70b_down", 4096, 8192, 28672}};

void report(const Shape& s, const char* configuration, double us, double weight_bytes, int bytes) {
  bench::report("gemm_sparse", std::string(s.label) + " " + std::to_string(s.m) + "x" + std::to_string(s.n) + "x" + std::to_string(s.k),
                configuration, us, weight_bytes + static_cast<double>(s.m) * s.k * bytes + 2.0 * s.m * s.n, 2.0 * s.m * s.n * s.k);
}

void time_shape(const Shape& s, int bytes, bool tune, const bench::Options& options) {
  const Operands sparse(s.m, s.n, s.k, bytes, 41, true);
  bench::Device<uint8_t> x(tiled_bytes(sparse, s.m)), packed(packed_bytes(sparse)), dense_w(tiled_bytes(sparse, s.n));
  bench::Device<uint16_t> y(static_cast<size_t>(s.m) * s.n);
  {
    const Operands dense(16, s.n, s.k, bytes, 43, false);
    tile(dense, dense.w.data(), dense_w.data(), s.n, nullptr);
    tile(sparse, sparse.x.data(), x.data(), s.m, nullptr);
    if (pack(sparse, packed.data()) != -1) std::exit(1);
  }
  const auto dense = [&] {
    const bool wide = gemm_prefill::columns_for(s.m, s.n, false, multiprocessors()) == 192;
    const double us = bench::median_us(4, [&](cudaStream_t stream, int) {
      if (bytes == 2) launch_dense<DenseBf16>(sparse, x.data(), dense_w.data(), y.data(), stream);
      else if (wide) launch_dense<Dense192>(sparse, x.data(), dense_w.data(), y.data(), stream);
      else launch_dense<Dense128>(sparse, x.data(), dense_w.data(), y.data(), stream);
    }, 11);
    report(s, bytes == 2 ? "dense bf16_n256" : wide ? "dense e4m3_n192_p4" : "dense e4m3_n128_p4", us,
           static_cast<double>(dense_w.bytes()), bytes);
  };
  dense();
  for (const Variant& v : kVariants) {
    const bool used = v.columns == gemm_sparse::width_for(s.m, s.n, multiprocessors());
    if (v.element_bytes != bytes || !options.wants(v.label) || !(used || tune)) continue;
    const double us = bench::median_us(4, [&](cudaStream_t stream, int) {
      launch(v, sparse, x.data(), packed.data(), nullptr, y.data(), s.m, 0, stream);
    }, 11);
    report(s, v.label, us, static_cast<double>(packed.bytes()), bytes);
  }
  dense();
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
  bench::Checks checks("gemm_sparse");
  if (!options.time_only) check_all(checks, options);
  if (!options.check_only && checks.exit_code() == 0) {
    for (int bytes : {1, 2}) {
      for (const Shape& s : kShapes) {
        time_shape(s, bytes, tune, options);
        if (options.quick) break;
      }
    }
  }
  return checks.exit_code();
}
