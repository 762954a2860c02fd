// Checks of per-head norm, rotation and append. Comes after layer.cu.
#pragma once

#include "bench_launch.cuh"

namespace rope_bench {

using bench::Checks;
using bench::Device;
using bench::Random;
using bench::rounded;
using bench::to_double;

template <class T>
using Kernel = void (*)(Bf16*, const int*, const int*, const float*, const float*, const Bf16*, const Bf16*, T*, T*, float*,
                        float*, int, int, int, int, int, float);

template <class T>
Kernel<T> kernel() {
  if constexpr (sizeof(T) == 2) return layer_rope_append_bf16;
  else if constexpr (std::is_signed<T>::value) return layer_rope_append_int8;
  else return layer_rope_append_fp8;
}

struct Shape {
  int q_heads, kv_heads, dim;
  bool norms, per_token;
  int heads() const { return q_heads + 2 * kv_heads; }
  int row() const { return heads() * dim; }
  dim3 grid(int m) const {
    const int lanes = dim <= 64 ? 4 : dim <= 128 ? 8 : 16;
    return dim3(m, (heads() * lanes + 127) / 128);
  }
};

constexpr int kCapacity = 40;

// Angles as a model has them: base 10000.
inline std::vector<float> table(int positions, int half, double (*function)(double)) {
  std::vector<float> values(static_cast<size_t>(positions) * half);
  for (int p = 0; p < positions; p++) {
    for (int i = 0; i < half; i++) values[p * half + i] = static_cast<float>(function(p * std::pow(10000.0, -1.0 * i / half)));
  }
  return values;
}

template <class T>
struct Run {
  std::vector<Bf16> qkv;
  std::vector<T> k, v;
  std::vector<float> k_scales, v_scales;
  bool guards;
};

template <class T>
struct Case {
  Shape shape;
  std::vector<Bf16> qkv, q_weight, k_weight;
  std::vector<int> positions, sequences;
  int sequence_count = 3;

  Case(Shape s, int m, Random& random)
      : shape(s),
        qkv(bench::random_bf16(static_cast<size_t>(m) * s.row(), random, 2.0)),
        q_weight(bench::random_bf16(s.dim, random)),
        k_weight(bench::random_bf16(s.dim, random)) {
    // Distinct slots: row m is position 2 m + 1 of sequence m % 3; the third row of every nine stands for nothing.
    for (int row = 0; row < m; row++) {
      positions.push_back(row % 9 == 2 ? -1 : 2 * row + 1);
      sequences.push_back(row % sequence_count);
    }
  }

  Run<T> run(int first, int count) const {
    const int half = shape.dim / 2;
    std::vector<Bf16> chosen(qkv.begin() + static_cast<size_t>(first) * shape.row(),
                             qkv.begin() + static_cast<size_t>(first + count) * shape.row());
    Device<Bf16> x(chosen), wq(q_weight), wk(k_weight);
    Device<int> at(std::vector<int>(positions.begin() + first, positions.begin() + first + count));
    Device<int> of(std::vector<int>(sequences.begin() + first, sequences.begin() + first + count));
    Device<float> cosines(table(kCapacity, half, std::cos)), sines(table(kCapacity, half, std::sin));
    const size_t slots = static_cast<size_t>(sequence_count) * kCapacity * shape.kv_heads;
    Device<T> k(slots * shape.dim), v(slots * shape.dim);
    const bool fixed = sizeof(T) == 1 && !shape.per_token;
    std::vector<float> scales(fixed ? 1 : slots, fixed ? 0.03f : NAN);
    Device<float> k_scales(scales), v_scales(scales);
    bench::launch(nullptr, kernel<T>(), shape.grid(count), 128, 0, x.data(), at.data(), of.data(), cosines.data(), sines.data(),
                  shape.norms ? wq.data() : nullptr, shape.norms ? wk.data() : nullptr, k.data(), v.data(), k_scales.data(),
                  v_scales.data(), shape.q_heads, shape.kv_heads, shape.dim, kCapacity, shape.per_token ? 1 : 0, 1e-6f);
    CUDA_MUST(cudaDeviceSynchronize());
    const bool guards = x.guards_hold() && k.guards_hold() && v.guards_hold() && k_scales.guards_hold() && v_scales.guards_hold();
    return {x.host(), k.host(), v.host(), k_scales.host(), v_scales.host(), guards};
  }

  std::vector<double> expected() const {
    std::vector<double> y = bench::doubles(qkv);
    const int half = shape.dim / 2;
    const std::vector<float> cosines = table(kCapacity, half, std::cos), sines = table(kCapacity, half, std::sin);
    for (size_t row = 0; row < positions.size(); row++) {
      for (int h = 0; h < shape.q_heads + shape.kv_heads && positions[row] >= 0; h++) {
        double* x = &y[row * shape.row() + static_cast<size_t>(h) * shape.dim];
        const std::vector<Bf16>& weight = h < shape.q_heads ? q_weight : k_weight;
        if (shape.norms) {
          double squares = 0;
          for (int d = 0; d < shape.dim; d++) squares += x[d] * x[d];
          const double factor = 1 / std::sqrt(squares / shape.dim + 1e-6);
          for (int d = 0; d < shape.dim; d++) x[d] = rounded(rounded(x[d] * factor) * to_double(weight[d]));
        }
        for (int i = 0; i < half; i++) {
          const double c = cosines[positions[row] * half + i], s = sines[positions[row] * half + i];
          const double low = x[i], high = x[half + i];
          x[i] = rounded(low * c - high * s);
          x[half + i] = rounded(high * c + low * s);
        }
      }
    }
    return y;
  }
};

template <class T>
T code_of(float ratio) {
  if constexpr (std::is_signed<T>::value) return static_cast<T>(std::nearbyint(std::fmin(std::fmax(ratio, -127.0f), 127.0f)));
  else return numbers::float_to_e4m3(ratio);
}

// What the cache must hold, from the rows as the kernel left them: bit for bit.
template <class T>
void expected_cache(const Case<T>& c, const Run<T>& run, int first_head, std::vector<T>* cache, std::vector<float>* scales) {
  const Shape& s = c.shape;
  const bool per_token = sizeof(T) == 1 && s.per_token;
  std::memset(static_cast<void*>(cache->data()), 0xFF, cache->size() * sizeof(T));
  if (per_token) std::fill(scales->begin(), scales->end(), NAN);
  for (size_t row = 0; row < c.positions.size(); row++) {
    const int p = c.positions[row], sequence = c.sequences[row];
    for (int h = 0; h < s.kv_heads && p >= 0; h++) {
      const Bf16* x = &run.qkv[row * s.row() + static_cast<size_t>(first_head + h) * s.dim];
      T* to = &(*cache)[((static_cast<size_t>(sequence) * kCapacity + p) * s.kv_heads + h) * s.dim];
      float largest = 0;
      for (int d = 0; d < s.dim; d++) largest = std::fmax(largest, std::fabs(static_cast<float>(to_double(x[d]))));
      float scale = 0.03f;
      if (per_token) {
        scale = largest / (std::is_signed<T>::value ? 127.0f : 448.0f);
        (*scales)[(static_cast<size_t>(sequence) * s.kv_heads + h) * kCapacity + p] = scale;
      }
      for (int d = 0; d < s.dim; d++) {
        if constexpr (sizeof(T) == 2) to[d] = x[d];
        else to[d] = code_of<T>(static_cast<float>(to_double(x[d])) / scale);
      }
    }
  }
}

template <class T>
void check(Checks& checks, const Shape& shape, int m, Random& random) {
  const Case<T> c(shape, m, random);
  const Run<T> run = c.run(0, m);
  const std::string name = std::string("rope_append ") + (sizeof(T) == 2 ? "bf16" : std::is_signed<T>::value ? "int8" : "fp8") +
                           (shape.per_token ? " per token" : "") + (shape.norms ? " norms" : "") + " dim" +
                           std::to_string(shape.dim) + " heads" + std::to_string(shape.q_heads) + "/" +
                           std::to_string(shape.kv_heads) + " M" + std::to_string(m);
  checks.within(name, bench::relative_error(bench::doubles(run.qkv), c.expected()), 1e-3, run.guards);
  std::vector<T> k(run.k), v(run.v);
  std::vector<float> k_scales(run.k_scales), v_scales(run.v_scales);
  expected_cache(c, run, shape.q_heads, &k, &k_scales);
  expected_cache(c, run, shape.q_heads + shape.kv_heads, &v, &v_scales);
  checks.same(name + " keys", run.k, k);
  checks.same(name + " values", run.v, v);
  checks.same(name + " key scales", run.k_scales, k_scales);
  checks.same(name + " value scales", run.v_scales, v_scales);
  const Run<T> alone = c.run(m - 1, 1);
  checks.same(name + " alone", alone.qkv, std::vector<Bf16>(run.qkv.end() - shape.row(), run.qkv.end()), alone.guards);
}

inline void check_all(Checks& checks, const bench::Options& options) {
  if (!options.wants("rope")) return;
  Random random(77);
  for (int dim : {16, 64, 80, 96, 128, 256}) {
    for (int m : {1, 3, 17}) {
      for (bool norms : {false, true}) {
        check<Bf16>(checks, Shape{4, 1, dim, norms, false}, m, random);
        check<int8_t>(checks, Shape{9, 3, dim, norms, true}, m, random);
        check<uint8_t>(checks, Shape{8, 8, dim, norms, true}, m, random);
      }
    }
    check<int8_t>(checks, Shape{32, 8, dim, false, false}, 17, random);
    check<uint8_t>(checks, Shape{64, 8, dim, true, false}, 17, random);
  }
}

}  // namespace rope_bench
