// Attention of training and its gradients: loops in double, and launches as the Java launcher makes them.
#pragma once

#include "../layer/bench_launch.cuh"

namespace attention_bench {

using bench::Checks;
using bench::Device;
using bench::Random;

struct Heads {
  int q_heads, kv_heads, dim;
  int row() const { return (q_heads + 2 * kv_heads) * dim; }
  int width() const { return q_heads * dim; }
  int ratio() const { return q_heads / kv_heads; }
  float scale() const { return static_cast<float>(1.0 / std::sqrt(dim)); }
  std::string text() const { return std::to_string(q_heads) + "/" + std::to_string(kv_heads) + "x" + std::to_string(dim); }
};

struct Expected {
  std::vector<double> out, log_sums, d_qkv;
};

// A query of a sequence that begins at `begin`: what it gives, and adds to gradients.
inline void expected_row(const Heads& heads, const std::vector<double>& x, const std::vector<double>& d_out, int begin, int i, int h,
                         Expected& all) {
  const int dim = heads.dim, row = heads.row(), count = i - begin + 1;
  const size_t key_column = static_cast<size_t>(heads.q_heads + h / heads.ratio()) * dim, value_column = key_column + heads.kv_heads * dim;
  const size_t place = static_cast<size_t>(i) * heads.q_heads + h;
  const double *q = &x[static_cast<size_t>(i) * row + h * dim], *given = &d_out[place * dim], scale = 1.0 / std::sqrt(dim);
  std::vector<double> p(count);
  double top = -INFINITY, total = 0, mean = 0;
  for (int j = 0; j < count; j++) {
    const double* k = &x[static_cast<size_t>(begin + j) * row + key_column];
    for (int d = 0; d < dim; d++) p[j] += q[d] * k[d];
    p[j] *= scale;
    top = std::max(top, p[j]);
  }
  for (double& one : p) total += one = std::exp(one - top);
  double* out = &all.out[place * dim];
  for (int j = 0; j < count; j++) {
    p[j] /= total;
    const double* v = &x[static_cast<size_t>(begin + j) * row + value_column];
    for (int d = 0; d < dim; d++) out[d] += p[j] * v[d];
  }
  all.log_sums[place] = top + std::log(total);
  for (int d = 0; d < dim; d++) mean += out[d] * given[d];
  for (int j = 0; j < count; j++) {
    const size_t at = static_cast<size_t>(begin + j) * row;
    double dp = 0;
    for (int d = 0; d < dim; d++) dp += given[d] * x[at + value_column + d];
    const double ds = scale * p[j] * (dp - mean);
    for (int d = 0; d < dim; d++) {
      all.d_qkv[static_cast<size_t>(i) * row + h * dim + d] += ds * x[at + key_column + d];
      all.d_qkv[at + key_column + d] += ds * q[d];
      all.d_qkv[at + value_column + d] += p[j] * given[d];
    }
  }
}

inline Expected expected(const Heads& heads, const std::vector<double>& qkv, const std::vector<double>& d_out, const std::vector<int>& boundaries) {
  const size_t tokens = boundaries.back();
  Expected all = {std::vector<double>(tokens * heads.width()), std::vector<double>(tokens * heads.q_heads), std::vector<double>(qkv.size())};
  for (size_t b = 0; b + 1 < boundaries.size(); b++) {
    for (int i = boundaries[b]; i < boundaries[b + 1]; i++) {
      for (int h = 0; h < heads.q_heads; h++) expected_row(heads, qkv, d_out, boundaries[b], i, h, all);
    }
  }
  return all;
}

// Memory of a batch whose numbers are of type T.
template <class T>
struct Batch {
  Heads heads;
  int tokens, sequences, longest = 0;
  Device<T> qkv, out, d_out, d_qkv;
  Device<float> log_sums, means;
  Device<int> boundaries;

  Batch(const Heads& h, const std::vector<int>& bounds)
      : heads(h), tokens(bounds.back()), sequences(static_cast<int>(bounds.size()) - 1), qkv(static_cast<size_t>(tokens) * h.row()),
        out(static_cast<size_t>(tokens) * h.width()), d_out(out.size()), d_qkv(qkv.size()), log_sums(static_cast<size_t>(tokens) * h.q_heads),
        means(log_sums.size()), boundaries(bounds) {
    for (int i = 0; i < sequences; i++) longest = std::max(longest, bounds[i + 1] - bounds[i]);
  }

  bool guards() const {
    return out.guards_hold() && d_qkv.guards_hold() && log_sums.guards_hold() && means.guards_hold();
  }
};

inline int up(int a, int b) { return (a + b - 1) / b; }

constexpr int kGroups = TRAIN_ATTENTION_GROUPS;

inline void forward(cudaStream_t stream, Batch<Bf16>& b) {
  const int shared = 128 * b.heads.dim * (kGroups + 4);
  auto kernel = b.heads.dim == 64 ? train_attention_forward_64 : train_attention_forward_128;
  CUDA_MUST(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared));
  bench::launch(stream, kernel, dim3(up(b.longest, 64 * kGroups), b.heads.q_heads, b.sequences), 128 * kGroups, shared, b.qkv.data(), b.out.data(),
                b.log_sums.data(), b.boundaries.data(), b.heads.q_heads, b.heads.kv_heads, b.heads.scale());
}

template <class Kernel>
void gradient(cudaStream_t stream, Batch<Bf16>& b, Kernel kernel, int heads, int shared) {
  CUDA_MUST(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared));
  bench::launch(stream, kernel, dim3(up(b.longest, 64 * kGroups), heads, b.sequences), 128 * kGroups, shared, b.qkv.data(), b.out.data(),
                b.d_out.data(), b.log_sums.data(), b.means.data(), b.d_qkv.data(), b.boundaries.data(), b.heads.q_heads, b.heads.kv_heads,
                b.heads.scale());
}

inline int gradient_bytes(int dim) { return 128 * dim * (2 * kGroups + 4) + 1024; }

inline void query_gradient(cudaStream_t stream, Batch<Bf16>& b) {
  const int dim = b.heads.dim;
  gradient(stream, b, dim == 64 ? train_attention_query_gradient_64 : train_attention_query_gradient_128, b.heads.q_heads, gradient_bytes(dim));
}

inline void key_gradient(cudaStream_t stream, Batch<Bf16>& b) {
  const int dim = b.heads.dim;
  gradient(stream, b, dim == 64 ? train_attention_key_gradient_64 : train_attention_key_gradient_128, b.heads.kv_heads, gradient_bytes(dim));
}

template <class T, class Kernel>
void plain(cudaStream_t stream, Batch<T>& b, Kernel kernel, int heads) {
  const int shared = 4 * (4 * 32 * (up(b.heads.dim, 4) * 4 + 4) + 1024);
  CUDA_MUST(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared));
  bench::launch(stream, kernel, dim3(up(b.longest, 32), heads, b.sequences), 256, shared, b.qkv.data(), b.out.data(), b.log_sums.data(),
                b.d_out.data(), b.d_qkv.data(), b.means.data(), b.boundaries.data(), sizeof(T) == 2 ? 15 : 0, b.heads.q_heads,
                b.heads.kv_heads, b.heads.dim, b.heads.scale());
}

template <class T>
void plain_gradients(cudaStream_t stream, Batch<T>& b) {
  plain(stream, b, train_attention_plain_query_gradient, b.heads.q_heads);
  plain(stream, b, train_attention_plain_key_gradient, b.heads.kv_heads);
}

template <class T>
std::vector<T> random(size_t count, Random& random) {
  std::vector<T> values(count);
  for (T& value : values) {
    if constexpr (sizeof(T) == 2) value = bench::bf16_of(random.normal());
    else value = random.normal();
  }
  return values;
}

template <class T>
void check(Checks& checks, const Heads& heads, const std::vector<int>& lengths, bool is_plain, uint64_t seed) {
  std::vector<int> boundaries = {0};
  for (int length : lengths) boundaries.push_back(boundaries.back() + length);
  Batch<T> b(heads, boundaries);
  Random numbers(seed);
  const std::vector<T> qkv = random<T>(b.qkv.size(), numbers), d_out = random<T>(b.d_out.size(), numbers);
  CUDA_MUST(cudaMemcpy(b.qkv.data(), qkv.data(), b.qkv.bytes(), cudaMemcpyHostToDevice));
  CUDA_MUST(cudaMemcpy(b.d_out.data(), d_out.data(), b.d_out.bytes(), cudaMemcpyHostToDevice));
  std::vector<T> first_out, first_gradient;
  const std::string name = std::string(is_plain ? "plain " : "") + (sizeof(T) == 2 ? "bf16 " : "fp32 ") + heads.text();
  for (int run = 0; run < 2; run++) {
    b.out.poison(), b.log_sums.poison(), b.means.poison(), b.d_qkv.poison();
    if (is_plain) {
      plain(nullptr, b, train_attention_plain_forward, heads.q_heads);
      plain_gradients(nullptr, b);
    } else {
      if constexpr (sizeof(T) == 2) forward(nullptr, b), query_gradient(nullptr, b), key_gradient(nullptr, b);
    }
    CUDA_MUST(cudaDeviceSynchronize());
    if (run == 0) first_out = b.out.host(), first_gradient = b.d_qkv.host();
  }
  checks.same(name + " out again", b.out.host(), first_out);
  checks.same(name + " gradient again", b.d_qkv.host(), first_gradient, b.guards());
  const Expected wanted = expected(heads, bench::doubles(qkv), bench::doubles(d_out), boundaries);
  const double bound = sizeof(T) == 2 ? 1e-2 : 2e-6;
  checks.within(name + " out", bench::relative_error(bench::doubles(first_out), wanted.out), bound);
  checks.within(name + " log sums", bench::relative_error(bench::doubles(b.log_sums.host()), wanted.log_sums), 1e-5);
  std::vector<double> parts[2][3];
  const std::vector<double> found = bench::doubles(first_gradient);
  for (size_t i = 0; i < found.size(); i++) {
    const int head = static_cast<int>(i % heads.row()) / heads.dim;
    const int part = head < heads.q_heads ? 0 : head < heads.q_heads + heads.kv_heads ? 1 : 2;
    parts[0][part].push_back(found[i]), parts[1][part].push_back(wanted.d_qkv[i]);
  }
  for (int part = 0; part < 3; part++) {
    checks.within(name + " d" + "qkv"[part], bench::relative_error(parts[0][part], parts[1][part]), bound);
  }
}

inline void check_all(Checks& checks) {
  uint64_t seed = 1;
  for (int dim : {64, 128}) {
    check<Bf16>(checks, Heads{3, 1, dim}, {1, 5, 127, 128, 129, 33, 64, 300}, false, seed++);
    check<Bf16>(checks, Heads{9, 3, dim}, {65, 63, 2}, false, seed++);
    check<Bf16>(checks, Heads{2, 2, dim}, {513}, false, seed++);
  }
  for (int dim : {6, 8, 64, 80, 256}) {
    check<float>(checks, Heads{4, 2, dim}, {1, 31, 9, 70}, true, seed++);
    check<Bf16>(checks, Heads{3, 1, dim}, {33, 8}, true, seed++);
  }
}

inline void report(const Batch<Bf16>& b, const char* what, int products, double us) {
  double pairs = 0;
  pairs = static_cast<double>(b.sequences) * b.longest * (b.longest + 1) / 2;
  bench::report(what, std::to_string(b.sequences) + "x" + std::to_string(b.longest) + " " + b.heads.text(), "bf16", us,
                2.0 * b.tokens * (b.heads.row() + b.heads.width()), 2.0 * products * pairs * b.heads.width());
}

inline void time(const Heads& heads, int sequences, int length, bool with_plain) {
  std::vector<int> boundaries;
  for (int i = 0; i <= sequences; i++) boundaries.push_back(i * length);
  Batch<Bf16> b(heads, boundaries);
  bench::fill_bf16(b.qkv.data(), b.qkv.bytes());
  bench::fill_bf16(b.d_out.data(), b.d_out.bytes());
  report(b, "forward", 2, bench::median_us(4, [&](cudaStream_t stream, int) { forward(stream, b); }, 10));
  report(b, "query_gradient", 3, bench::median_us(4, [&](cudaStream_t stream, int) { query_gradient(stream, b); }, 10));
  report(b, "key_gradient", 4, bench::median_us(4, [&](cudaStream_t stream, int) { key_gradient(stream, b); }, 10));
  if (!with_plain) return;
  report(b, "plain_forward", 2, bench::median_us(1, [&](cudaStream_t stream, int) {
           plain(stream, b, train_attention_plain_forward, heads.q_heads);
         }, 3));
  report(b, "plain_gradients", 7, bench::median_us(1, [&](cudaStream_t stream, int) { plain_gradients(stream, b); }, 3));
}

inline void time_all() {
  time(Heads{9, 3, 64}, 32, 512, true);
  time(Heads{32, 8, 128}, 8, 2048, false);
}

}  // namespace attention_bench
