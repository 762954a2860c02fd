// Checks and times observe: against plain loops on the host.
#include "observe.cu"

#include "bench.cuh"

namespace {

int up(int value, int multiple) { return (value + multiple - 1) / multiple * multiple; }
int tiles(int count, int tile) { return (count + tile - 1) / tile; }
int triangle(int pitch) { return tiles(pitch, 128) * (tiles(pitch, 128) + 1) / 2; }

// Launches by type.
struct Bf16 {
  using T = uint16_t;
  static constexpr const char* kName = "bf16";
  static T of(float value) { return numbers::float_to_bf16(value); }
  static float to(T value) { return numbers::bf16_to_float(value); }
  static void arrange(T* y, int pitch, const T* x, int rows, int k, const float* weight, float epsilon) {
    observe_arrange_bf16<<<rows, 256>>>(y, pitch, x, k, weight, epsilon);
  }
  static void channels(float* part, const T* x, int rows, int pitch, cudaStream_t s = nullptr) {
    observe_channels_bf16<<<dim3(tiles(pitch, 128), tiles(rows, 64)), 128, 0, s>>>(part, x, rows, pitch);
  }
  static void histogram(unsigned long long* counts, const T* x, int rows, int k, int pitch, cudaStream_t s = nullptr) {
    observe_histogram_bf16<<<std::min(264, tiles(rows, 8)), 256, 0, s>>>(counts, x, rows, k, pitch);
  }
  static void heads(unsigned* amax, const T* x, int rows, int row_elements, int first, int heads, int dimension) {
    observe_heads_bf16<<<dim3(heads, 16), 64>>>(amax, x, rows, row_elements, first, dimension);
  }
  static void products(float* h, const T* x, int rows, int pitch, cudaStream_t s = nullptr) {
    observe_products_bf16<<<triangle(pitch), observe::kThreads, 0, s>>>(h, x, rows, pitch);
  }
};

struct Fp32 {
  using T = float;
  static constexpr const char* kName = "fp32";
  static T of(float value) { return value; }
  static float to(T value) { return value; }
  static void arrange(T* y, int pitch, const T* x, int rows, int k, const float* weight, float epsilon) {
    observe_arrange_fp32<<<rows, 256>>>(y, pitch, x, k, weight, epsilon);
  }
  static void channels(float* part, const T* x, int rows, int pitch, cudaStream_t s = nullptr) {
    observe_channels_fp32<<<dim3(tiles(pitch, 128), tiles(rows, 64)), 128, 0, s>>>(part, x, rows, pitch);
  }
  static void histogram(unsigned long long* counts, const T* x, int rows, int k, int pitch, cudaStream_t s = nullptr) {
    observe_histogram_fp32<<<std::min(264, tiles(rows, 8)), 256, 0, s>>>(counts, x, rows, k, pitch);
  }
  static void heads(unsigned* amax, const T* x, int rows, int row_elements, int first, int heads, int dimension) {
    observe_heads_fp32<<<dim3(heads, 16), 64>>>(amax, x, rows, row_elements, first, dimension);
  }
  static void products(float* h, const T* x, int rows, int pitch, cudaStream_t s = nullptr) {
    observe_products_fp32<<<triangle(pitch), outer::kThreads, 0, s>>>(h, x, rows, pitch);
  }
};

// An input's statistics on the device.
struct Sums {
  int k, pitch;
  bench::Device<float> extremes, h;
  bench::Device<double> sums;
  bench::Device<unsigned long long> counts;

  explicit Sums(int k) : k(k), pitch(up(k, 16)), extremes(2 * k), h(static_cast<size_t>(pitch) * pitch), sums(2 * k), counts(2 * observe::kBins) {
    observe_clear<<<64, 256>>>(extremes.data(), sums.data(), counts.data(), k);
    LAUNCHED();
    observe_zero<<<256, 256>>>(reinterpret_cast<float4*>(h.data()), static_cast<long long>(pitch) * pitch / 4);
    LAUNCHED();
  }

  bool guards_hold() const { return extremes.guards_hold() && h.guards_hold() && sums.guards_hold() && counts.guards_hold(); }
};

template <typename Form>
void add(Sums& to, const bench::Device<typename Form::T>& x, int rows) {
  const int pieces = tiles(rows, 64);
  bench::Device<float> part(static_cast<size_t>(pieces) * 4 * to.pitch);
  Form::channels(part.data(), x.data(), rows, to.pitch);
  LAUNCHED();
  observe_add_channels<<<tiles(to.k, 128), 128>>>(to.extremes.data(), to.sums.data(), part.data(), pieces, to.k, to.pitch);
  LAUNCHED();
  Form::histogram(to.counts.data(), x.data(), rows, to.k, to.pitch);
  LAUNCHED();
  Form::products(to.h.data(), x.data(), rows, to.pitch);
  LAUNCHED();
  CUDA_MUST(cudaDeviceSynchronize());
}

template <typename Form>
std::vector<typename Form::T> inputs(int rows, int k, uint64_t seed) {
  bench::Random random(seed);
  std::vector<typename Form::T> x(static_cast<size_t>(rows) * k);
  for (auto& value : x) value = Form::of(random.normal() * (random.bits() % 64 == 0 ? 1e3f : 1.0f));
  x[1] = Form::of(0.0f);
  x[2] = Form::of(1e-30f);
  x[3] = Form::of(-3e5f);
  return x;
}

// What InputObserver does.
struct Expected {
  std::vector<float> extremes, chain;
  std::vector<double> sums, products;
  std::vector<unsigned long long> counts;

  explicit Expected(int k) : extremes(2 * k), chain(static_cast<size_t>(k) * k), sums(2 * k), products(static_cast<size_t>(k) * k), counts(2 * observe::kBins) {
    for (int i = 0; i < k; i++) extremes[i] = INFINITY, extremes[k + i] = -INFINITY;
  }

  template <typename Form>
  void add(const std::vector<typename Form::T>& x, int rows, int k) {
    for (int j = 0; j < k; j++) {
      for (int first = 0; first < rows; first += 64) {
        float absolute = 0, square = 0;
        for (int row = first; row < std::min(rows, first + 64); row++) {
          const float value = Form::to(x[static_cast<size_t>(row) * k + j]);
          extremes[j] = std::min(extremes[j], value);
          extremes[k + j] = std::max(extremes[k + j], value);
          absolute += std::fabs(value);
          square = std::fma(value, value, square);
        }
        sums[j] += absolute;
        sums[k + j] += square;
      }
    }
    for (int row = 0; row < rows; row++) {
      uint32_t most = 0;
      for (int j = 0; j < k; j++) {
        const uint32_t magnitude = numbers::bits_of(Form::to(x[static_cast<size_t>(row) * k + j])) & 0x7FFFFFFFu;
        most = std::max(most, magnitude);
        counts[magnitude >> 16]++;
      }
      counts[observe::kBins + (most >> 16)]++;
    }
    for (int i = 0; i < k; i++) {
      for (int j = i; j < k; j++) {
        float& sum = chain[static_cast<size_t>(i) * k + j];
        for (int row = 0; row < rows; row++) {
          const float a = Form::to(x[static_cast<size_t>(row) * k + i]), b = Form::to(x[static_cast<size_t>(row) * k + j]);
          sum = std::fma(a, b, sum);
          products[static_cast<size_t>(i) * k + j] += static_cast<double>(a) * b;
        }
        chain[static_cast<size_t>(j) * k + i] = sum;
        products[static_cast<size_t>(j) * k + i] = products[static_cast<size_t>(i) * k + j];
      }
    }
  }
};

std::vector<float> whole(const Sums& sums) {
  bench::Device<float> symmetric(static_cast<size_t>(sums.k) * sums.k);
  observe_symmetric<<<dim3(tiles(sums.k, 32), tiles(sums.k, 32)), 256>>>(symmetric.data(), sums.h.data(), sums.k, sums.pitch);
  LAUNCHED();
  CUDA_MUST(cudaDeviceSynchronize());
  return symmetric.host();
}

template <typename Form>
void check(bench::Checks& checks, int rows, int k) {
  const std::string label = std::string(Form::kName) + "_" + std::to_string(rows) + "x" + std::to_string(k);
  Sums sums(k), again(k), merged(k);
  Expected expected(k);
  for (int call = 0; call < 2; call++) {
    const auto x = inputs<Form>(rows, k, 31 + call);
    const bench::Device<typename Form::T> on_device(x);
    bench::Device<typename Form::T> padded(static_cast<size_t>(rows) * sums.pitch);
    Form::arrange(padded.data(), sums.pitch, on_device.data(), rows, k, nullptr, 0);
    LAUNCHED();
    add<Form>(sums, padded, rows);
    add<Form>(call == 0 ? again : merged, padded, rows);
    expected.add<Form>(x, rows, k);
    if (!padded.guards_hold()) checks.within(label + "_padding", 1, 0);
  }
  checks.same(label + "_extremes", sums.extremes.host(), expected.extremes, sums.guards_hold());
  checks.same(label + "_sums", sums.sums.host(), expected.sums);
  checks.same(label + "_counts", sums.counts.host(), expected.counts);
  const std::vector<float> products = whole(sums);
  const std::vector<double> actual(products.begin(), products.end());
  checks.within(label + "_products", bench::relative_error(actual, expected.products), 1e-6);
  if (sizeof(typename Form::T) == 4) checks.same(label + "_chain", products, expected.chain);
  // Merged in the other order of association: what is counted is the same.
  observe_merge<<<64, 256>>>(again.extremes.data(), merged.extremes.data(), again.sums.data(), merged.sums.data(), again.counts.data(),
                             merged.counts.data(), k);
  LAUNCHED();
  observe_merge_products<<<64, 256>>>(reinterpret_cast<float4*>(again.h.data()), reinterpret_cast<const float4*>(merged.h.data()),
                                      static_cast<long long>(again.pitch) * again.pitch / 4);
  LAUNCHED();
  CUDA_MUST(cudaDeviceSynchronize());
  checks.same(label + "_merged_extremes", again.extremes.host(), expected.extremes, again.guards_hold());
  checks.same(label + "_merged_counts", again.counts.host(), expected.counts);
  const std::vector<float> all = whole(again);
  checks.within(label + "_merged_products", bench::relative_error(std::vector<double>(all.begin(), all.end()), expected.products), 1e-6);
}

template <typename Form>
void check_rows(bench::Checks& checks, int rows, int k) {
  const std::string label = std::string(Form::kName) + "_norm_" + std::to_string(k);
  const int pitch = up(k, 16);
  const auto x = inputs<Form>(rows, k, 41);
  std::vector<float> weight(k);
  bench::Random random(42);
  for (float& value : weight) value = Form::to(Form::of(1 + 0.1f * random.normal()));
  std::vector<typename Form::T> expected(static_cast<size_t>(rows) * pitch);
  for (int row = 0; row < rows; row++) {
    double squares = 0;
    for (int j = 0; j < k; j++) squares += static_cast<double>(Form::to(x[static_cast<size_t>(row) * k + j])) * Form::to(x[static_cast<size_t>(row) * k + j]);
    const double root = std::sqrt(squares / k + 1e-5f);
    for (int j = 0; j < k; j++) {
      const double one = Form::to(Form::of(static_cast<float>(Form::to(x[static_cast<size_t>(row) * k + j]) / root)));
      expected[static_cast<size_t>(row) * pitch + j] = Form::of(static_cast<float>(one * weight[j]));
    }
  }
  const bench::Device<typename Form::T> on_device(x);
  const bench::Device<float> weight_on_device(weight);
  bench::Device<typename Form::T> y(expected.size());
  Form::arrange(y.data(), pitch, on_device.data(), rows, k, weight_on_device.data(), 1e-5f);
  LAUNCHED();
  CUDA_MUST(cudaDeviceSynchronize());
  checks.same(label, y.host(), expected, y.guards_hold());
  const int dimension = k / 6;
  bench::Device<unsigned> amax(std::vector<unsigned>(2));
  Form::heads(amax.data(), on_device.data(), rows, k, 2 * dimension, 2, dimension);
  LAUNCHED();
  CUDA_MUST(cudaDeviceSynchronize());
  std::vector<unsigned> most(2);
  for (int row = 0; row < rows; row++) {
    for (int i = 0; i < 2 * dimension; i++) {
      const unsigned bits = numbers::bits_of(Form::to(x[static_cast<size_t>(row) * k + 2 * dimension + i])) & 0x7FFFFFFFu;
      most[i / dimension] = std::max(most[i / dimension], bits);
    }
  }
  checks.same(label + "_heads", amax.host(), most, amax.guards_hold());
}

template <typename Form>
void time_one(int rows, int k) {
  Sums sums(k);
  const bench::Device<typename Form::T> x(inputs<Form>(rows, k, 1));
  bench::Device<typename Form::T> y(x.size());
  const bench::Device<float> weight(std::vector<float>(k, 1.0f));
  bench::Device<float> part(static_cast<size_t>(tiles(rows, 64)) * 4 * k);
  const std::string shape = std::to_string(rows) + "x" + std::to_string(k) + " " + Form::kName;
  const double bytes = static_cast<double>(rows) * k * sizeof(typename Form::T);
  const double products = bench::median_us(1, [&](cudaStream_t s, int) { Form::products(sums.h.data(), x.data(), rows, k, s); LAUNCHED(); }, 9);
  bench::report("observe_products", shape, "128x128", products, bytes + 4.0 * k * k, static_cast<double>(rows) * k * k);
  const double channels = bench::median_us(1, [&](cudaStream_t s, int) {
    Form::channels(part.data(), x.data(), rows, k, s);
    observe_add_channels<<<tiles(k, 128), 128, 0, s>>>(sums.extremes.data(), sums.sums.data(), part.data(), tiles(rows, 64), k, k);
    LAUNCHED();
  }, 9);
  bench::report("observe_channels", shape, "", channels, bytes, 0);
  const double histogram = bench::median_us(1, [&](cudaStream_t s, int) { Form::histogram(sums.counts.data(), x.data(), rows, k, k, s); LAUNCHED(); }, 9);
  bench::report("observe_histogram", shape, "", histogram, bytes, 0);
  Sums other(k);
  const double merge = bench::median_us(1, [&](cudaStream_t s, int) {
    observe_merge_products<<<1056, 256, 0, s>>>(reinterpret_cast<float4*>(sums.h.data()), reinterpret_cast<const float4*>(other.h.data()),
                                                static_cast<long long>(k) * k / 4);
    LAUNCHED();
  }, 9);
  bench::report("observe_merge", shape, "", merge, 12.0 * k * k, 0);
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options = bench::Options::parse(argc, argv);
  bench::Checks checks("observe");
  if (!options.time_only) {
    for (int k : {16, 172, 272}) {
      for (int rows : {1, 65, 200}) {
        if (options.smallest && (k != 172 || rows != 65)) continue;
        check<Bf16>(checks, rows, k);
        check<Fp32>(checks, rows, k);
      }
    }
    for (int k : {96, 576}) {
      check_rows<Bf16>(checks, 37, k);
      check_rows<Fp32>(checks, 37, k);
    }
  }
  if (!options.check_only && checks.exit_code() == 0) {
    for (int k : {4096, 14336}) {
      time_one<Bf16>(2048, k);
      if (!options.quick || k == 4096) time_one<Fp32>(2048, k);
    }
  }
  return checks.exit_code();
}
