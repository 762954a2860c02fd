// Checks of the operators that work on plain rows: norms, SwiGLU, add, embedding, log-softmax. Comes after layer.cu.
#pragma once

#include "bench_launch.cuh"

namespace layer_bench {

using bench::Checks;
using bench::Device;
using bench::Random;
using bench::rounded;
using bench::to_double;

// Threads of a norm's or an embedding's block, as the Java launcher computes them: two vectors of 8 a thread.
inline int norm_threads(int n) { return std::max(32, std::min(1024, (n / 8 + 63) / 64 * 32)); }

inline std::string shape_name(const char* what, int m, int n) {
  return std::string(what) + " M" + std::to_string(m) + " N" + std::to_string(n);
}

template <class T>
std::vector<T> rows_of(const std::vector<T>& all, int first, int count, size_t width) {
  return std::vector<T>(all.begin() + first * width, all.begin() + (first + count) * width);
}

struct NormRun {
  std::vector<Bf16> y, sum;
  bool guards;
};

inline NormRun run_norm(const std::vector<Bf16>& x, const std::vector<Bf16>& residual, const std::vector<Bf16>& weight) {
  const int n = static_cast<int>(weight.size()), m = static_cast<int>(x.size() / n);
  Device<Bf16> x_device(x), w(weight), y(x.size());
  if (residual.empty()) {
    bench::launch(nullptr, layer_rms_norm, m, norm_threads(n), 0, x_device.data(), w.data(), y.data(), n, 1e-5f);
    CUDA_MUST(cudaDeviceSynchronize());
    return {y.host(), {}, y.guards_hold()};
  }
  Device<Bf16> sum(residual);
  bench::launch(nullptr, layer_add_rms_norm, m, norm_threads(n), 0, x_device.data(), sum.data(), w.data(), y.data(),
                sum.data(), n, 1e-5f);
  CUDA_MUST(cudaDeviceSynchronize());
  return {y.host(), sum.host(), y.guards_hold() && sum.guards_hold()};
}

// bf16(bf16(x / sqrt(mean(x^2) + epsilon)) * weight), sums in double.
inline std::vector<double> expected_norm(const std::vector<Bf16>& x, const std::vector<Bf16>& weight) {
  const size_t n = weight.size();
  std::vector<double> y(x.size());
  for (size_t row = 0; row < x.size(); row += n) {
    double squares = 0;
    for (size_t i = 0; i < n; i++) squares += to_double(x[row + i]) * to_double(x[row + i]);
    const double factor = 1.0 / std::sqrt(squares / n + 1e-5);
    for (size_t i = 0; i < n; i++) y[row + i] = rounded(rounded(to_double(x[row + i]) * factor) * to_double(weight[i]));
  }
  return y;
}

inline std::vector<Bf16> sums_of(const std::vector<Bf16>& a, const std::vector<Bf16>& b) {
  std::vector<Bf16> y(a.size());
  for (size_t i = 0; i < a.size(); i++) y[i] = bench::bf16_of(static_cast<float>(to_double(a[i])) + static_cast<float>(to_double(b[i])));
  return y;
}

inline void check_norm(Checks& checks, int m, int n, Random& random) {
  const std::vector<Bf16> x = bench::random_bf16(static_cast<size_t>(m) * n, random, 3.0);
  const std::vector<Bf16> residual = bench::random_bf16(x.size(), random), weight = bench::random_bf16(n, random);
  for (const std::vector<Bf16>& added : {std::vector<Bf16>(), residual}) {
    const std::string name = shape_name(added.empty() ? "rms_norm" : "add_rms_norm", m, n);
    const NormRun run = run_norm(x, added, weight);
    const std::vector<Bf16> normed = added.empty() ? x : sums_of(x, added);
    checks.within(name, bench::relative_error(bench::doubles(run.y), expected_norm(normed, weight)), 1e-3, run.guards);
    if (!added.empty()) checks.same(name + " sum", run.sum, normed, run.guards);
    const NormRun alone = run_norm(rows_of(x, m - 1, 1, n), added.empty() ? added : rows_of(added, m - 1, 1, n), weight);
    checks.same(name + " alone", alone.y, rows_of(run.y, m - 1, 1, n), alone.guards);
  }
}

inline dim3 point_grid(int m, int n) { return dim3((n / 8 + 255) / 256, std::min(m, 65535)); }

inline void check_swiglu(Checks& checks, int m, int n, bool pairs, Random& random) {
  const std::vector<Bf16> x = bench::random_bf16(static_cast<size_t>(m) * 2 * n, random, 4.0);
  Device<Bf16> x_device(x), y(static_cast<size_t>(m) * n);
  bench::launch(nullptr, pairs ? layer_swiglu_pairs : layer_swiglu_halves, point_grid(m, n), 256, 0, x_device.data(), y.data(),
                m, n);
  CUDA_MUST(cudaDeviceSynchronize());
  std::vector<double> expected(y.size());
  for (size_t row = 0; row < static_cast<size_t>(m); row++) {
    for (int i = 0; i < n; i++) {
      const double gate = to_double(x[row * 2 * n + (pairs ? 2 * i : i)]);
      expected[row * n + i] = rounded(gate / (1 + std::exp(-gate)) * to_double(x[row * 2 * n + (pairs ? 2 * i + 1 : n + i)]));
    }
  }
  checks.within(shape_name(pairs ? "swiglu_pairs" : "swiglu_halves", m, n),
                bench::relative_error(bench::doubles(y.host()), expected), 1e-3, y.guards_hold());
}

inline void check_add(Checks& checks, int m, int n, Random& random) {
  const std::vector<Bf16> a = bench::random_bf16(static_cast<size_t>(m) * n, random);
  const std::vector<Bf16> b = bench::random_bf16(a.size(), random);
  Device<Bf16> a_device(a), b_device(b), y(a.size());
  const int vectors = static_cast<int>(a.size() / 8);
  bench::launch(nullptr, layer_add, (vectors + 511) / 512, 256, 0, a_device.data(), b_device.data(), y.data(), vectors);
  CUDA_MUST(cudaDeviceSynchronize());
  checks.same(shape_name("add", m, n), y.host(), sums_of(a, b), y.guards_hold());
}

inline void check_embedding(Checks& checks, int m, int n, int vocabulary, Random& random) {
  const std::vector<Bf16> table = bench::random_bf16(static_cast<size_t>(vocabulary) * n, random);
  std::vector<int> ids(m);
  for (int& id : ids) id = static_cast<int>(random.bits() % vocabulary);
  Device<Bf16> table_device(table), y(static_cast<size_t>(m) * n);
  Device<int> ids_device(ids);
  bench::launch(nullptr, layer_embedding, m, norm_threads(n), 0, table_device.data(), ids_device.data(), y.data(), n,
                vocabulary);
  CUDA_MUST(cudaDeviceSynchronize());
  std::vector<Bf16> expected;
  for (int id : ids) {
    for (int i = 0; i < n; i++) expected.push_back(table[static_cast<size_t>(id) * n + i]);
  }
  checks.same(shape_name("embedding", m, n), y.host(), expected, y.guards_hold());
}

struct SoftmaxRun {
  std::vector<float> log_probabilities;
  std::vector<int> is_greedy, greedy;
  bool guards;
};

template <class T>
SoftmaxRun run_softmax(const std::vector<T>& logits, const std::vector<int>& targets) {
  const size_t m = targets.size();
  Device<T> x(logits);
  Device<int> target(targets), is_greedy(m), greedy(m);
  Device<float> y(m);
  void (*kernel)(const T*, const int*, float*, int*, int*, int);
  if constexpr (sizeof(T) == 2) kernel = layer_log_softmax_bf16;
  else kernel = layer_log_softmax_fp32;
  bench::launch(nullptr, kernel, dim3(static_cast<unsigned>(m)), 512, 0, x.data(), target.data(), y.data(), is_greedy.data(),
                greedy.data(), static_cast<int>(logits.size() / m));
  CUDA_MUST(cudaDeviceSynchronize());
  return {y.host(), is_greedy.host(), greedy.host(), y.guards_hold() && is_greedy.guards_hold() && greedy.guards_hold()};
}

template <class T>
void check_softmax(Checks& checks, int m, int vocabulary, Random& random) {
  std::vector<T> logits(static_cast<size_t>(m) * vocabulary);
  std::vector<int> targets(m), greedy(m), is_greedy(m);
  double worst = 0;
  for (auto& logit : logits) {
    const float value = 4.0f * random.normal();
    if constexpr (sizeof(T) == 2) logit = bench::bf16_of(value);
    else logit = value;
  }
  std::vector<double> expected(m);
  for (int row = 0; row < m; row++) {
    T* x = &logits[static_cast<size_t>(row) * vocabulary];
    const int last = vocabulary - 1;
    if (row % 3 == 1) x[last] = x[vocabulary / 2] = static_cast<T>(30.0f);  // Two largest logits: the first counts.
    int best = 0;
    for (int i = 1; i < vocabulary; i++) best = to_double(x[i]) > to_double(x[best]) ? i : best;
    targets[row] = row % 2 == 0 ? best : last;
    greedy[row] = best;
    is_greedy[row] = targets[row] == best;
    double sum = 0;
    for (int i = 0; i < vocabulary; i++) sum += std::exp(to_double(x[i]) - to_double(x[best]));
    expected[row] = to_double(x[targets[row]]) - to_double(x[best]) - std::log(sum);
  }
  const SoftmaxRun run = run_softmax(logits, targets);
  for (int row = 0; row < m; row++) {
    const double error = std::fabs(run.log_probabilities[row] - expected[row]) / (1 + std::fabs(expected[row]));
    worst = error <= worst ? worst : error;
  }
  const std::string name = shape_name(sizeof(T) == 2 ? "log_softmax_bf16" : "log_softmax_fp32", m, vocabulary);
  checks.within(name, worst, 2e-6, run.guards);
  checks.same(name + " greedy", run.greedy, greedy);
  checks.same(name + " is greedy", run.is_greedy, is_greedy);
  const SoftmaxRun alone = run_softmax(rows_of(logits, m - 1, 1, vocabulary), {targets[m - 1]});
  checks.same(name + " alone", alone.log_probabilities, {run.log_probabilities[m - 1]}, alone.guards);
}

inline void check_rows(Checks& checks, const bench::Options& options) {
  Random random(42);
  for (int m : {1, 3, 17}) {
    for (int n : {8, 64, 576, 1000, 4096, 5120, 8192, 16384}) {
      if (options.wants("norm")) check_norm(checks, m, n, random);
      if (options.wants("add")) check_add(checks, m, n, random);
      if (options.wants("embedding")) check_embedding(checks, m, n, 101, random);
    }
    for (int n : {8, 1536, 2056, 14336}) {
      if (options.wants("swiglu")) check_swiglu(checks, m, n, false, random);
      if (options.wants("swiglu")) check_swiglu(checks, m, n, true, random);
    }
    for (int vocabulary : {1, 5, 8, 1001, 32000, 50257, 128256}) {
      if (options.wants("softmax")) check_softmax<Bf16>(checks, m, vocabulary, random);
      if (options.wants("softmax")) check_softmax<float>(checks, m, vocabulary, random);
    }
  }
  if (options.wants("swiglu")) check_swiglu(checks, 65537, 8, false, random);
}

}  // namespace layer_bench
