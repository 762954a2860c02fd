// Norms and rotation of heads: loops in double, and times.
#pragma once

#include "bench_attention.cuh"

namespace heads_bench {

using attention_bench::Heads;
using bench::Checks;
using bench::Device;
using bench::Random;

constexpr double kEpsilon = 0.01;
constexpr int kPositions = 64;

struct Tables {
  std::vector<float> cosines, sines;
  explicit Tables(int dim) {
    for (int position = 0; position < kPositions; position++) {
      for (int i = 0; i < dim / 2; i++) {
        const double angle = position * std::pow(50.0, -2.0 * i / dim);
        cosines.push_back(static_cast<float>(std::cos(angle))), sines.push_back(static_cast<float>(std::sin(angle)));
      }
    }
  }
};

using Doubles = std::vector<double>;

// The norm of a head (where weights are given), and its rotation.
inline void head_forward(double* x, const double* weight, const float* c, const float* s, int dim) {
  if (weight != nullptr) {
    double squares = 0;
    for (int i = 0; i < dim; i++) squares += x[i] * x[i];
    for (int i = 0; i < dim; i++) x[i] *= weight[i] / std::sqrt(squares / dim + kEpsilon);
  }
  for (int i = 0; i < dim / 2; i++) {
    const double low = x[i], high = x[dim / 2 + i];
    x[i] = low * c[i] - high * s[i], x[dim / 2 + i] = high * c[i] + low * s[i];
  }
}

// d becomes the gradient of x; d_weight gets more.
inline void head_backward(const double* x, const double* weight, const float* c, const float* s, int dim, double* d, double* d_weight) {
  for (int i = 0; i < dim / 2; i++) {
    const double low = d[i], high = d[dim / 2 + i];
    d[i] = low * c[i] + high * s[i], d[dim / 2 + i] = high * c[i] - low * s[i];
  }
  if (weight == nullptr) return;
  double squares = 0, product = 0;
  for (int i = 0; i < dim; i++) squares += x[i] * x[i];
  const double root = 1 / std::sqrt(squares / dim + kEpsilon);
  for (int i = 0; i < dim; i++) {
    d_weight[i] += d[i] * x[i] * root;
    product += d[i] * weight[i] * x[i];
  }
  for (int i = 0; i < dim; i++) d[i] = root * d[i] * weight[i] - root * root * root / dim * product * x[i];
}

template <class T>
struct Case {
  Heads heads;
  int tokens;
  bool normed;
  Device<T> x, y;
  Device<float> query, key, cosines, sines, partial, d_query;
  Device<int> positions;
  std::vector<int> places;

  Case(const Heads& h, int n, bool with_norm, Random& random)
      : heads(h), tokens(n), normed(with_norm), x(attention_bench::random<T>(static_cast<size_t>(n) * h.row(), random)), y(x.size()),
        query(attention_bench::random<float>(h.dim, random)), key(attention_bench::random<float>(h.dim, random)),
        cosines(Tables(h.dim).cosines), sines(Tables(h.dim).sines), partial(static_cast<size_t>(attention_bench::up(n, 32)) * 2 * h.dim),
        d_query(attention_bench::random<float>(2 * h.dim, random)), positions(make_positions(n)), places(make_positions(n)) {}

  static std::vector<int> make_positions(int n) {
    std::vector<int> all;
    for (int i = 0; i < n; i++) all.push_back(i * 7 % kPositions);
    return all;
  }

  template <class Kernel>
  void launch(cudaStream_t stream, Kernel kernel, T* from, T* to, dim3 grid) {
    bench::launch(stream, kernel, grid, 256, 0, from, to, normed ? query.data() : nullptr, normed ? key.data() : nullptr, positions.data(),
                  cosines.data(), sines.data(), partial.data(), sizeof(T) == 2 ? 3 : 0, tokens, heads.q_heads, heads.kv_heads, heads.dim,
                  static_cast<float>(kEpsilon), static_cast<float>(kEpsilon));
  }

  bool wide() const { return heads.dim % 16 == 0; }

  dim3 grid() const { return dim3(attention_bench::up(tokens * (heads.q_heads + 2 * heads.kv_heads), wide() ? 64 : 32)); }

  void forward(cudaStream_t stream) {
    launch(stream, wide() ? train_attention_heads_8 : train_attention_heads_1, x.data(), y.data(), grid());
  }

  // y from the gradient of the results to that of x.
  void backward(cudaStream_t stream) {
    if (!normed) {
      launch(stream, wide() ? train_attention_heads_back_8 : train_attention_heads_back_1, y.data(), y.data(), grid());
      return;
    }
    const int pieces = attention_bench::up(tokens, 32);
    launch(stream, train_attention_norm_gradient, x.data(), y.data(), dim3(pieces, 2));
    for (int which = 0; which < 2; which++) {
      bench::launch(stream, train_attention_norm_sums, dim3(1), 256, 0, partial.data(), d_query.data() + which * heads.dim, pieces, which, heads.dim);
    }
  }
};

template <class T>
void check(Checks& checks, const Heads& heads, int tokens, bool normed, uint64_t seed) {
  Random random(seed);
  Case<T> c(heads, tokens, normed, random);
  const int dim = heads.dim;
  const Tables tables(dim);
  const Doubles x = bench::doubles(c.x.host()), query = bench::doubles(c.query.host()), key = bench::doubles(c.key.host());
  const std::vector<T> given = attention_bench::random<T>(c.x.size(), random);
  Doubles y = x, d = bench::doubles(given), d_weight = bench::doubles(c.d_query.host());
  for (int token = 0; token < tokens; token++) {
    for (int head = 0; head < heads.q_heads + heads.kv_heads; head++) {
      const size_t at = static_cast<size_t>(token) * heads.row() + head * dim;
      const bool is_q = head < heads.q_heads;
      const double* weight = normed ? (is_q ? query.data() : key.data()) : nullptr;
      const float *cosines = &tables.cosines[c.places[token] * dim / 2], *sines = &tables.sines[c.places[token] * dim / 2];
      head_forward(&y[at], weight, cosines, sines, dim);
      head_backward(&x[at], weight, cosines, sines, dim, &d[at], &d_weight[is_q ? 0 : dim]);
    }
  }
  const std::string name = std::string(sizeof(T) == 2 ? "heads bf16 " : "heads fp32 ") + heads.text() + (normed ? " normed" : "");
  const double bound = sizeof(T) == 2 ? 4e-3 : 1e-6;
  c.forward(nullptr);
  checks.within(name, bench::relative_error(bench::doubles(c.y.host()), y), bound, c.y.guards_hold());
  CUDA_MUST(cudaMemcpy(c.y.data(), given.data(), c.y.bytes(), cudaMemcpyHostToDevice));
  c.backward(nullptr);
  checks.within(name + " gradient", bench::relative_error(bench::doubles(c.y.host()), d), bound, c.y.guards_hold());
  if (normed) checks.within(name + " gradient of weights", bench::relative_error(bench::doubles(c.d_query.host()), d_weight), 2e-6, c.partial.guards_hold());
}

inline void check_all(Checks& checks) {
  uint64_t seed = 500;
  for (int dim : {6, 8, 64, 128, 256}) {
    for (bool normed : {false, true}) {
      check<float>(checks, Heads{3, 1, dim}, 101, normed, seed++);
      check<Bf16>(checks, Heads{4, 2, dim}, 37, normed, seed++);
    }
  }
}

inline void time(const Heads& heads, int tokens, bool normed) {
  Random random(9);
  Case<Bf16> all(heads, tokens, normed, random);
  const std::string shape = std::to_string(tokens) + " " + heads.text() + (normed ? " normed" : "");
  const double bytes = 4.0 * tokens * heads.row();
  bench::report("heads", shape, "bf16", bench::median_us(4, [&](cudaStream_t stream, int) { all.forward(stream); }, 10), bytes, 0);
  bench::report("heads_back", shape, "bf16", bench::median_us(4, [&](cudaStream_t stream, int) { all.backward(stream); }, 10), bytes, 0);
}

inline void time_all() {
  time(Heads{9, 3, 64}, 16384, false);
  time(Heads{32, 8, 128}, 4096, false);
  time(Heads{16, 8, 128}, 4096, true);
}

}  // namespace heads_bench
