// Quantization on the device against plain loops on the host, byte for byte; then times. Options: bench.cuh.
#include "quantize.cu"

#include <deque>
#include <future>
#include <thread>

#include "bench_launch.cuh"
#include "bench_numbers.cuh"

using cases::Case;
using cases::Result;
using launch::Plan;

namespace {

using quantize::kBiased;
using quantize::kByteScale;
using quantize::kFloatScale;
using quantize::kPacked;

// A scheme with its granularity; group 0 is the row, -1 the tensor, -128 the block of 128 x 128.
struct Named {
  const char* name;
  reference::Scheme scheme;
  int group;
};

const std::vector<Named> kTimed = {
    {"FP8_DYNAMIC", {0, 1, 8, 0}, 0},
    {"FP8_BLOCK", {0, 1, 8, 0}, -128},
    {"W4A16", {0, 0, 4, kPacked | kBiased}, 128},
    {"W8A8", {0, 0, 8, 0}, 0},
    {"NVFP4A16", {3, 2, 4, kPacked | kByteScale}, 16},
    {"MXFP4A16", {2, 2, 4, kPacked | kByteScale}, 32},
};

std::vector<Named> all_schemes() {
  std::vector<Named> list = kTimed;
  for (int bits : {2, 3, 5, 6, 7, 8}) list.push_back({"WnA16", {0, 0, bits, kPacked | kBiased}, 128});
  for (int bits : {3, 4, 8}) list.push_back({"WnA16_ASYM", {1, 0, bits, kPacked | kBiased}, 64});
  const std::vector<Named> others = {
      {"FP8", {0, 1, 8, 0}, -1},
      {"W8A16-tensor", {0, 0, 8, kPacked | kBiased}, -1},
      {"W8A8-tensor-asym", {1, 0, 8, 0}, -1},
      {"W8A8_ASYM", {1, 0, 8, 0}, 0},
      {"W4A16_ASYM-row", {1, 0, 4, kPacked | kBiased}, 0},
      {"W4A16_ASYM-group20", {1, 0, 4, kPacked | kBiased}, 20},
      {"W8A8_ASYM-block", {1, 0, 8, 0}, -128},
      {"FP8-group40", {0, 1, 8, 0}, 40},
      {"W4A16-group8", {0, 0, 4, kPacked | kBiased}, 8},
      {"W4A16-group256", {0, 0, 4, kPacked | kBiased}, 256},
      {"MXFP8A16", {2, 1, 8, kByteScale}, 32},
      {"deepseek", {4, 1, 8, kFloatScale}, -128},
      {"torchao-W8A8", {5, 0, 8, 0}, 0},
      {"torchao-W4A16", {6, 0, 4, kPacked | kBiased}, 32},
      {"torchao-W4A16_ASYM", {7, 0, 4, kPacked | kBiased}, 64},
      {"torchao-FP8", {8, 1, 8, 0}, 0},
      {"torchao-FP8_BLOCK", {8, 1, 8, 0}, -128},
      {"torchao-FP8-tensor", {8, 1, 8, 0}, -1},
      {"torchao-MXFP4", {9, 2, 4, kPacked | kByteScale}, 32},
      {"torchao-MXFP8", {9, 1, 8, kByteScale}, 32},
      {"torchao-NVFP4", {10, 2, 4, kPacked | kByteScale}, 16},
      {"activations-fp8", {0, 1, 8, kFloatScale}, 0},
      {"activations-fp8-group128", {0, 1, 8, kFloatScale}, 128},
      {"activations-int8", {0, 0, 8, kFloatScale}, 0},
  };
  list.insert(list.end(), others.begin(), others.end());
  return list;
}

Case case_of(const Named& named, reference::Type type, int rows, int columns) {
  const char* types[] = {"bf16", "fp16", "fp32"};
  Case c = {"", named.scheme, type, rows, columns, 1, columns};
  if (named.group > 0) c.group_columns = named.group;
  if (named.group == -1) c.group_rows = 0;
  if (named.group == -128) {
    c.group_rows = 128;
    c.group_columns = std::min(columns, 128);
  }
  c.name = std::string(named.name) + std::to_string(named.scheme.bits) + "/" + types[type] + "/" + std::to_string(rows) + "x" +
           std::to_string(columns);
  return c;
}

// NaN has many bit patterns; all of them become one.
template <typename T>
std::vector<T> one_nan(std::vector<T> values) {
  for (T& value : values) {
    if (std::isnan(value)) value = NAN;
  }
  return values;
}

std::vector<double> figures(const std::vector<cases::RowSums>& rows) {
  std::vector<double> list;
  for (const cases::RowSums& row : rows) {
    for (double value : {row.signal, row.noise, row.absolute, static_cast<double>(row.max_error), static_cast<double>(row.amax),
                         static_cast<double>(row.non_finite), static_cast<double>(row.clipped)}) {
      list.push_back(value);
    }
  }
  return one_nan(list);
}

std::vector<float> floats(const Case& c, const std::vector<unsigned char>& bytes) {
  std::vector<float> list;
  for (size_t i = 0; i < bytes.size() / reference::bytes_of(c.type); i++) {
    list.push_back(reference::read(c.type, bytes.data(), i));
  }
  return one_nan(list);
}

void check_case(bench::Checks& checks, const Case& c, Plan plan, const std::vector<unsigned char>& source,
                const Result& expected, launch::Buffers& buffers) {
  const bool generic = plan.kernel == Plan::kGeneric;
  const std::string name = c.name + (generic ? "/generic" : "/fused");
  buffers.poison();
  const reference::Range whole = cases::tensor_range(c, source);
  if (c.has_factor() || c.group_rows == 0) launch::tensor(c, buffers, whole.min, whole.max, nullptr);
  launch::quantize(c, buffers, plan, true, nullptr);
  launch::statistics(c, buffers, nullptr);
  const bool packed_zeros = c.asymmetric() && c.packed() && c.group_rows == 1;
  if (packed_zeros) launch::pack_zero_points(c, buffers, nullptr);
  launch::dequantize(c, buffers, nullptr);
  CUDA_MUST(cudaDeviceSynchronize());
  const bool guards = buffers.guards_hold();
  checks.same(name + "/codes", buffers.codes.host(), expected.codes, guards);
  checks.same(name + "/scales", buffers.scales.host(), expected.scales, guards);
  if (c.asymmetric()) checks.same(name + "/zero-points", buffers.zero_points.host(), expected.zero_points, guards);
  if (packed_zeros) {
    checks.same(name + "/packed-zero-points", buffers.packed_zero_points.host(), expected.packed_zero_points, guards);
  }
  checks.same(name + "/statistics", figures(buffers.statistics.host()), figures(expected.statistics), guards);
  for (int rows : {1, 4}) {
    if (!launch::in_octets(c)) break;
    buffers.statistics.poison();
    launch::row_sums(c, buffers, rows, nullptr);
    CUDA_MUST(cudaDeviceSynchronize());
    checks.same(name + "/row-sums-" + std::to_string(rows), figures(buffers.statistics.host()), figures(expected.statistics),
                buffers.guards_hold());
  }
  checks.same(name + "/dequantized", floats(c, buffers.dequantized.host()), floats(c, expected.dequantized), guards);
}

// A case with its weights and what the reference makes of them.
struct Prepared {
  Case c;
  std::vector<unsigned char> source;
  Result expected;
};

Prepared prepare(const Case& c) {
  std::vector<unsigned char> source = cases::weights(c, c.columns * 31ull + c.type);
  Result expected = cases::reference_of(c, source);
  return {c, std::move(source), std::move(expected)};
}

void check(bench::Checks& checks, const Prepared& prepared) {
  const Case& c = prepared.c;
  launch::Buffers buffers(c, prepared.source);
  const Plan plan = launch::plan_of(c);
  check_case(checks, c, plan, prepared.source, prepared.expected, buffers);
  if (plan.kernel != Plan::kGeneric) {
    check_case(checks, c, {Plan::kGeneric}, prepared.source, prepared.expected, buffers);
  }
  const reference::Range whole = cases::tensor_range(c, prepared.source);
  launch::range(c, buffers, nullptr);
  auto order = [](float value) {
    int bits = static_cast<int>(reference::bits_of(value));
    return bits ^ (bits >> 31 & 0x7FFFFFFF);
  };
  // Zeros of either sign are equal to fmin and fmax, not to the kernel.
  std::vector<int> keys = buffers.keys.host(), wanted = {order(whole.min), order(whole.max)};
  for (int i = 0; i < 2; i++) {
    if (keys[i] == -1) keys[i] = 0;
    if (wanted[i] == -1) wanted[i] = 0;
  }
  checks.same(c.name + "/range", keys, wanted);
}

std::vector<Case> all_cases(bool smallest) {
  std::vector<Case> list;
  for (const Named& named : all_schemes()) {
    for (reference::Type type : {reference::kTypeBf16, reference::kTypeFp16, reference::kTypeFp32}) {
      for (int columns : {640, 1920, 4352}) {
        if ((named.group > 0 && columns % named.group != 0) || (smallest && columns == 1920)) continue;
        const std::vector<int> all_rows = columns == 4352               ? std::vector<int>{11}
                                          : columns == 1920 || smallest ? std::vector<int>{67}
                                                                        : std::vector<int>{1, 67, 200};
        for (int rows : all_rows) list.push_back(case_of(named, type, rows, columns));
      }
      if (named.group > 0) continue;
      for (int columns : {1, 2, 3, 7, 8, 9, 15, 17, 24, 127, 129, 136, 1000, 33000}) {
        if (smallest && columns != 7 && columns != 129 && columns != 1000) continue;
        list.push_back(case_of(named, type, columns < 1000 ? 33 : 3, columns));
      }
    }
  }
  return list;
}

// Those of the algorithm mse.
std::vector<Case> searched_cases() {
  const std::vector<std::string> names = {"FP8_DYNAMIC", "FP8_BLOCK", "W4A16", "W8A8", "NVFP4A16", "MXFP4A16", "WnA16_ASYM",
                                          "W4A16_ASYM-row", "torchao-W4A16_ASYM", "torchao-FP8"};
  std::vector<Case> list;
  for (const Named& named : all_schemes()) {
    if (std::find(names.begin(), names.end(), named.name) == names.end()) continue;
    for (reference::Type type : {reference::kTypeBf16, reference::kTypeFp16, reference::kTypeFp32}) {
      list.push_back(case_of(named, type, 67, 640));
      if (named.group == 0) list.push_back(case_of(named, type, 67, 129));
    }
  }
  for (Case& c : list) {
    c.searched = true;
    c.name = "mse-" + c.name;
  }
  return list;
}

// The reference takes longer than the kernels: it runs some cases ahead, on other threads.
void check_all(bench::Checks& checks, const bench::Options& options) {
  const size_t kAhead = std::max(1u, std::thread::hardware_concurrency());
  std::deque<std::future<Prepared>> ahead;
  auto finish_one = [&] {
    check(checks, ahead.front().get());
    ahead.pop_front();
  };
  std::vector<Case> list = all_cases(options.smallest), searched = searched_cases();
  list.insert(list.end(), searched.begin(), searched.end());
  for (const Case& c : list) {
    if (!options.wants(c.name)) continue;
    if (ahead.size() == kAhead) finish_one();
    ahead.push_back(std::async(std::launch::async, prepare, c));
  }
  while (!ahead.empty()) finish_one();
}

void check_norm(bench::Checks& checks, const bench::Options& options, int m, int k) {
  const Case c = case_of({"rmsnorm", {0, 1, 8, kFloatScale}, 0}, reference::kTypeBf16, m, k);
  if (!options.wants(c.name)) return;
  const std::vector<unsigned char> x = cases::weights(c, 7), weight = cases::weights(case_of({"w", {}, 0}, c.type, 1, k), 8);
  bench::Device<unsigned char> device_x(x), device_weight(weight), codes(static_cast<size_t>(m) * k);
  bench::Device<float> scales(m);
  quantize_rmsnorm_fp8_bf16<<<m, launch::row_threads(k, 16)>>>(device_x.data(), device_weight.data(), codes.data(),
                                                               scales.data(), m, k, 1e-5f);
  LAUNCHED();
  const std::vector<unsigned char> actual = codes.host();
  const std::vector<float> factors = scales.host();
  double difference = 0, norm = 0;
  for (int row = 0; row < m; row++) {
    double squares = 0;
    for (int j = 0; j < k; j++) squares += std::pow(reference::read(c.type, x.data(), static_cast<size_t>(row) * k + j), 2);
    if (!std::isfinite(squares) || squares > 1e30) continue;  // rows of NaN and of numbers whose squares overflow
    for (int j = 0; j < k; j++) {
      double y = reference::read(c.type, x.data(), static_cast<size_t>(row) * k + j) / std::sqrt(squares / k + 1e-5) *
                 reference::read(c.type, weight.data(), j);
      double got = reference::kE4m3Format.decode(actual[static_cast<size_t>(row) * k + j]) * static_cast<double>(factors[row]);
      difference += (got - y) * (got - y);
      norm += y * y;
    }
  }
  checks.within(c.name, std::sqrt(difference / norm), 0.035, codes.guards_hold() && scales.guards_hold());
}

// The bytes that must be read and written once.
double bytes_of(const Case& c) {
  return static_cast<double>(c.rows) * c.columns * reference::bytes_of(c.type) + static_cast<double>(c.rows) * c.row_bytes() +
         static_cast<double>(c.scales()) * c.scale_bytes();
}

// Normal weights, a block of a million of them over and over: making more of them would take longer than the timing.
std::vector<unsigned char> ordinary_weights(const Case& c) {
  const size_t bytes = static_cast<size_t>(c.rows) * c.columns * reference::bytes_of(c.type);
  Case block = c;
  block.rows = 9;
  block.columns = 1 << 17;
  const std::vector<unsigned char> pattern = cases::weights(block, 3);
  std::vector<unsigned char> all(bytes);
  for (size_t at = 0; at < bytes; at += pattern.size()) {
    std::memcpy(all.data() + at, pattern.data(), std::min(pattern.size(), bytes - at));
  }
  return all;
}

void time_case(const Named& named, reference::Type type, int rows, int columns) {
  const Case c = case_of(named, type, rows, columns);
  const std::vector<unsigned char> source = ordinary_weights(c);
  const size_t copies = std::max<size_t>(2, (260u << 20) / source.size());
  std::vector<launch::Buffers> buffers;
  for (size_t i = 0; i < std::min<size_t>(copies, 16); i++) buffers.emplace_back(c, source);
  for (const launch::Buffers& b : buffers) launch::tensor(c, b, -1.0f, 1.0f, nullptr);
  CUDA_MUST(cudaDeviceSynchronize());
  const std::string shape = std::to_string(rows) + "x" + std::to_string(columns);
  const int calls = static_cast<int>(std::max<size_t>(buffers.size(), 8));
  const Plan plan = launch::plan_of(c);
  auto report = [&](const char* what, double bytes, const std::function<void(cudaStream_t, const launch::Buffers&)>& body) {
    double us = bench::median_us(calls, [&](cudaStream_t stream, int i) { body(stream, buffers[i % buffers.size()]); });
    bench::report("quantize", shape, std::string(what) + " " + c.name, us, bytes, 0);
  };
  report("quantize", bytes_of(c), [&](cudaStream_t s, const launch::Buffers& b) { launch::quantize(c, b, plan, false, s); });
  report("dequantize", bytes_of(c), [&](cudaStream_t s, const launch::Buffers& b) { launch::dequantize(c, b, s); });
  report("quantize+statistics", static_cast<double>(source.size()), [&](cudaStream_t s, const launch::Buffers& b) {
    launch::quantize(c, b, plan, true, s);
    launch::row_sums(c, b, launch::rows_of_warp(c), s);
  });
  report("row-sums", static_cast<double>(source.size()),
         [&](cudaStream_t s, const launch::Buffers& b) { launch::row_sums(c, b, launch::rows_of_warp(c), s); });
  report("range", static_cast<double>(source.size()), [&](cudaStream_t s, const launch::Buffers& b) { launch::range(c, b, s); });
}

__global__ void copy_streaming(const uint4* from, uint4* to, long long count) {
  const long long stride = static_cast<long long>(gridDim.x) * blockDim.x;
  for (long long i = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += 4 * stride) {
    uint4 held[4];
#pragma unroll
    for (int j = 0; j < 4; j++) {
      if (i + j * stride < count) held[j] = __ldcs(from + i + j * stride);
    }
#pragma unroll
    for (int j = 0; j < 4; j++) {
      if (i + j * stride < count) __stcs(to + i + j * stride, held[j]);
    }
  }
}

// What the others are measured against: a copy within the memory of the device, by the driver and by a kernel.
void time_copy(size_t bytes) {
  std::vector<bench::Device<unsigned char>> from, to;
  for (int i = 0; i < 4; i++) {
    from.emplace_back(bytes);
    to.emplace_back(bytes);
  }
  const std::string shape = std::to_string(bytes >> 20) + "MiB";
  double us = bench::median_us(8, [&](cudaStream_t stream, int i) {
    CUDA_MUST(cudaMemcpyAsync(to[i % 4].data(), from[i % 4].data(), bytes, cudaMemcpyDeviceToDevice, stream));
  });
  bench::report("quantize", shape, "copy by the driver", us, 2.0 * bytes, 0);
  const long long count = static_cast<long long>(bytes / 16);
  us = bench::median_us(8, [&](cudaStream_t stream, int i) {
    copy_streaming<<<static_cast<unsigned>((count + 1023) / 1024), 256, 0, stream>>>(
        reinterpret_cast<const uint4*>(from[i % 4].data()), reinterpret_cast<uint4*>(to[i % 4].data()), count);
    LAUNCHED();
  });
  bench::report("quantize", shape, "copy by a kernel", us, 2.0 * bytes, 0);
}

void time_search(const Named& named, int rows, int columns) {
  Case c = case_of(named, reference::kTypeBf16, rows, columns);
  c.searched = true;
  const launch::Buffers buffers(c, ordinary_weights(c));
  double us = bench::median_us(2, [&](cudaStream_t stream, int) { launch::quantize(c, buffers, {launch::Plan::kGeneric}, true, stream); }, 5);
  bench::report("quantize", std::to_string(rows) + "x" + std::to_string(columns), "mse " + c.name, us, bytes_of(c), 0);
}

void time_norm(int m, int k) {
  const size_t copies = std::max<size_t>(2, std::min<size_t>(64, (260u << 20) / (2ull * m * k)));
  const Case c = case_of({"rmsnorm", {0, 1, 8, kFloatScale}, 0}, reference::kTypeBf16, m, k);
  const std::vector<unsigned char> source = ordinary_weights(c);
  std::vector<bench::Device<unsigned char>> x, codes;
  for (size_t i = 0; i < copies; i++) {
    x.emplace_back(source);
    codes.emplace_back(static_cast<size_t>(m) * k);
  }
  bench::Device<unsigned char> weight(cases::weights(case_of({"w", {}, 0}, c.type, 1, k), 8));
  bench::Device<float> scales(m);
  double us = bench::median_us(64, [&](cudaStream_t stream, int i) {
    quantize_rmsnorm_fp8_bf16<<<m, launch::row_threads(k, 16), 0, stream>>>(
        x[i % copies].data(), weight.data(), codes[i % copies].data(), scales.data(), m, k, 1e-5f);
    LAUNCHED();
  });
  bench::report("quantize", std::to_string(m) + "x" + std::to_string(k), "rmsnorm_fp8", us, 3.0 * m * k + 2.0 * k + 4.0 * m, 0);
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options = bench::Options::parse(argc, argv);
  bench::Checks checks("quantize");
  if (!options.time_only) {
    if (options.wants("numbers")) number_checks::check(checks);
    check_all(checks, options);
    for (int m : {1, 2, 17, 67}) {
      for (int k : {64, 1024, 4096, 8192, 16384}) check_norm(checks, options, m, k);
    }
  }
  if (!options.check_only) {
    time_copy(128u << 20);
    for (const Named& named : kTimed) {
      time_case(named, reference::kTypeBf16, 8192, 8192);
      if (!options.quick) time_case(named, reference::kTypeBf16, 28672, 4096);
      time_case(named, reference::kTypeBf16, 128, 8192);  // a slice of the job
    }
    for (int i = 0; i < 4; i++) time_search(kTimed[i % 2 * 2], i < 2 ? 128 : 8192, 8192);
    for (int m : {1, 16, 128, 4096}) time_norm(m, 8192);
    if (!options.quick) time_case({"activations-fp8", {0, 1, 8, kFloatScale}, 0}, reference::kTypeBf16, 128, 8192);
  }
  return checks.exit_code();
}
