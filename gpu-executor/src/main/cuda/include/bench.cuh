// What every bench.cu shares: errors, device memory with guards and poison, random data, checks, timing.
// A bench is a program without a JVM: it checks all cases against a plain loop in double, and only then times.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include <cuda_runtime.h>

namespace bench {

inline void must(cudaError_t code, const char* what, const char* file, int line) {
  if (code != cudaSuccess) {
    std::fprintf(stderr, "%s:%d: %s: %s\n", file, line, what, cudaGetErrorString(code));
    std::exit(1);
  }
}
#define CUDA_MUST(call) ::bench::must((call), #call, __FILE__, __LINE__)
#define LAUNCHED() ::bench::must(cudaGetLastError(), "launch", __FILE__, __LINE__)

// The options of every bench: --check runs no timing, --smallest checks every kernel but few shapes (for compute-sanitizer) and runs no
// timing, --time runs no checks (another run of the program did), --quick times fewer shapes, --only TEXT keeps cases that contain it.
struct Options {
  bool check_only = false;
  bool smallest = false;
  bool time_only = false;
  bool quick = false;
  std::string only;

  static Options parse(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; i++) {
      std::string word = argv[i];
      if (word == "--check") options.check_only = true;
      else if (word == "--smallest") options.smallest = options.check_only = options.quick = true;
      else if (word == "--time") options.time_only = true;
      else if (word == "--quick") options.quick = true;
      else if (word == "--only" && i + 1 < argc) options.only = argv[++i];
      else { std::fprintf(stderr, "%s: unknown option %s; --check, --smallest, --time, --quick, --only TEXT\n", argv[0], argv[i]); std::exit(2); }
    }
    return options;
  }

  bool wants(const std::string& name) const { return only.empty() || name.find(only) != std::string::npos; }
};

// splitmix64: the same data for the same seed on every machine.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t bits() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }

  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }

  // Standard normal, Box-Muller.
  float normal() {
    double u = 1.0 - uniform();
    return static_cast<float>(std::sqrt(-2.0 * std::log(u)) * std::cos(6.283185307179586 * uniform()));
  }

 private:
  uint64_t state_;
};

// Device memory of `count` elements between guards of 256 bytes; starts and is refilled as 0xFF bytes, which are NaN in
// every format used here.
template <typename T>
class Device {
 public:
  explicit Device(size_t count) : count_(count) {
    CUDA_MUST(cudaMalloc(&base_, bytes() + 2 * kGuard));
    CUDA_MUST(cudaMemset(base_, 0xFF, bytes() + 2 * kGuard));
  }

  explicit Device(const std::vector<T>& values) : Device(values.size()) {
    CUDA_MUST(cudaMemcpy(data(), values.data(), bytes(), cudaMemcpyHostToDevice));
  }

  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  Device(Device&& other) noexcept : count_(other.count_), base_(other.base_) { other.base_ = nullptr; }

  ~Device() { cudaFree(base_); }

  T* data() const { return reinterpret_cast<T*>(static_cast<char*>(base_) + kGuard); }
  size_t size() const { return count_; }
  size_t bytes() const { return count_ * sizeof(T); }

  void poison() { CUDA_MUST(cudaMemset(data(), 0xFF, bytes())); }

  std::vector<T> host() const {
    std::vector<T> values(count_);
    CUDA_MUST(cudaMemcpy(values.data(), data(), bytes(), cudaMemcpyDeviceToHost));
    return values;
  }

  // True while nothing was written beside the data.
  bool guards_hold() const {
    std::vector<unsigned char> guard(kGuard);
    for (const void* at : {static_cast<const void*>(base_), static_cast<const void*>(data() + count_)}) {
      CUDA_MUST(cudaMemcpy(guard.data(), at, kGuard, cudaMemcpyDeviceToHost));
      if (std::any_of(guard.begin(), guard.end(), [](unsigned char byte) { return byte != 0xFF; })) return false;
    }
    return true;
  }

 private:
  static constexpr size_t kGuard = 256;
  size_t count_;
  void* base_ = nullptr;
};

// Counts checks; its result is the exit code.
class Checks {
 public:
  explicit Checks(const char* op) : op_(op) {}

  // NaN never passes.
  void within(const std::string& name, double error, double bound, bool guards = true) {
    bool ok = error <= bound && guards;
    total_++;
    failed_ += !ok;
    std::printf("CHECK %s %s %s err=%.3e bound=%.1e%s\n", op_, name.c_str(), ok ? "ok" : "FAILED", error, bound,
                guards ? "" : " WROTE BESIDE ITS OUTPUT");
  }

  template <typename T>
  void same(const std::string& name, const std::vector<T>& actual, const std::vector<T>& expected, bool guards = true) {
    size_t different = actual.size() == expected.size() ? 0 : 1, first = 0;
    for (size_t i = 0; i < std::min(actual.size(), expected.size()); i++) {
      if (std::memcmp(&actual[i], &expected[i], sizeof(T)) != 0 && different++ == 0) first = i;
    }
    bool ok = different == 0 && guards;
    total_++;
    failed_ += !ok;
    std::printf("CHECK %s %s %s different=%zu of %zu first=%zu%s\n", op_, name.c_str(), ok ? "ok" : "FAILED", different,
                expected.size(), first, guards ? "" : " WROTE BESIDE ITS OUTPUT");
  }

  int exit_code() const {
    std::printf("%s: %d checks, %d failed\n", op_, total_, failed_);
    return failed_ == 0 ? 0 : 1;
  }

 private:
  const char* op_;
  int total_ = 0;
  int failed_ = 0;
};

// ||actual - expected|| / ||expected||, NaN when anything is NaN.
inline double relative_error(const std::vector<double>& actual, const std::vector<double>& expected) {
  double difference = 0, norm = 0;
  for (size_t i = 0; i < expected.size(); i++) {
    difference += (actual[i] - expected[i]) * (actual[i] - expected[i]);
    norm += expected[i] * expected[i];
  }
  return norm == 0 ? std::sqrt(difference) : std::sqrt(difference / norm);
}

// Median microseconds of one call of `body(stream, i)`: `calls` calls, i = 0..calls-1, are captured as one graph, which is
// replayed `replays` times after a warm-up of 5 ms or more, in which clocks rise. Let i choose among buffers of more than 120 MB in all.
inline double median_us(int calls, const std::function<void(cudaStream_t, int)>& body, int replays = 25) {
  cudaStream_t stream;
  CUDA_MUST(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  body(stream, 0);
  CUDA_MUST(cudaStreamSynchronize(stream));
  CUDA_MUST(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  for (int i = 0; i < calls; i++) body(stream, i);
  cudaGraph_t graph;
  CUDA_MUST(cudaStreamEndCapture(stream, &graph));
  cudaGraphExec_t executable;
  CUDA_MUST(cudaGraphInstantiate(&executable, graph, 0));
  cudaEvent_t begin, end;
  CUDA_MUST(cudaEventCreate(&begin));
  CUDA_MUST(cudaEventCreate(&end));
  float warm_ms = 0;
  CUDA_MUST(cudaEventRecord(begin, stream));
  for (int i = 0; i < 3 || warm_ms < 5; i++) {
    CUDA_MUST(cudaGraphLaunch(executable, stream));
    CUDA_MUST(cudaEventRecord(end, stream));
    CUDA_MUST(cudaEventSynchronize(end));
    CUDA_MUST(cudaEventElapsedTime(&warm_ms, begin, end));
  }
  std::vector<double> times;
  for (int i = 0; i < replays; i++) {
    CUDA_MUST(cudaEventRecord(begin, stream));
    CUDA_MUST(cudaGraphLaunch(executable, stream));
    CUDA_MUST(cudaEventRecord(end, stream));
    CUDA_MUST(cudaEventSynchronize(end));
    float ms;
    CUDA_MUST(cudaEventElapsedTime(&ms, begin, end));
    times.push_back(ms * 1e3 / calls);
  }
  CUDA_MUST(cudaGraphExecDestroy(executable));
  CUDA_MUST(cudaGraphDestroy(graph));
  CUDA_MUST(cudaEventDestroy(begin));
  CUDA_MUST(cudaEventDestroy(end));
  CUDA_MUST(cudaStreamDestroy(stream));
  std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
  return times[times.size() / 2];
}

// One timing as JSON on a line of its own. `bytes` are all that must be read and written once, `operations` the
// floating-point ones (0 when they do not matter).
inline void report(const char* op, const std::string& shape, const std::string& configuration, double us, double bytes,
                   double operations) {
  std::printf("{\"op\":\"%s\",\"shape\":\"%s\",\"config\":\"%s\",\"us\":%.2f,\"gb_per_second\":%.0f,\"tflops\":%.1f}\n", op,
              shape.c_str(), configuration.c_str(), us, bytes / us * 1e-3, operations / us * 1e-6);
  std::fflush(stdout);
}

}  // namespace bench
