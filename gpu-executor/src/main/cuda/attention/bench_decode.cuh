// Decode attention: checks against loops in double, and timing. Comes after attention.cu.
#pragma once

#include "../layer/bench_launch.cuh"

namespace decode_bench {

using bench::Checks;
using bench::Device;
using bench::Random;

template <class T>
using Kernel = void (*)(const Bf16*, const T*, const T*, const float*, const float*, const int*, float*, float*, Bf16*, int, int,
                        int, int, int, int, float);

template <class T>
Kernel<T> kernel(int dim);

#define DECODE_KERNEL(type, suffix)                            \
  template <>                                                  \
  inline Kernel<type> kernel<type>(int dim) {                  \
    return dim == 64    ? attention_decode_##suffix##_64       \
           : dim == 80  ? attention_decode_##suffix##_80       \
           : dim == 96  ? attention_decode_##suffix##_96       \
           : dim == 128 ? attention_decode_##suffix##_128      \
                        : attention_decode_##suffix##_256;     \
  }
DECODE_KERNEL(__nv_bfloat16, bf16)
DECODE_KERNEL(int8_t, int8)
DECODE_KERNEL(uint8_t, fp8)

template <class T>
const char* name_of() {
  return sizeof(T) == 2 ? "bf16" : std::is_signed<T>::value ? "int8" : "fp8";
}

template <class T>
double number(T code) {
  if constexpr (sizeof(T) == 2) return bench::to_double(code);
  else if constexpr (std::is_signed<T>::value) return code;
  else return numbers::e4m3_to_float(code);
}

template <class T>
T random_code(Random& random) {
  if constexpr (sizeof(T) == 2) return bench::bf16_of(random.normal());
  else if constexpr (std::is_signed<T>::value) return static_cast<T>(static_cast<int>(random.bits() % 255) - 127);
  else return numbers::float_to_e4m3(100.0f * random.normal());
}

// Positions a split, as the Java launcher computes it.
template <class T>
int split_of(int dim) {
  return (sizeof(T) == 2 ? 128 : 256) / (dim == 256 ? 2 : 1);
}

struct Shape {
  int q_heads, kv_heads, dim, capacity;
  bool per_token;
  int row() const { return (q_heads + 2 * kv_heads) * dim; }
  int ratio() const { return q_heads / kv_heads; }
};

// One batch on the device; `first` and `count` choose the sequences of a launch.
template <class T>
struct Batch {
  Shape shape;
  std::vector<int> lengths;
  std::vector<Bf16> q;
  std::vector<T> k, v;
  std::vector<float> k_scales, v_scales;

  size_t cache_row(int sequence, int position, int head) const {
    return ((static_cast<size_t>(sequence) * shape.capacity + position) * shape.kv_heads + head) * shape.dim;
  }

  size_t scale(int sequence, int position, int head) const {
    return shape.per_token ? (static_cast<size_t>(sequence) * shape.kv_heads + head) * shape.capacity + position : 0;
  }

  // What lies behind a sequence's length is NaN, as far as the format has one.
  Batch(Shape s, std::vector<int> of, Random& random) : shape(s), lengths(of), q(bench::random_bf16(of.size() * s.row(), random)) {
    const size_t slots = of.size() * s.capacity * s.kv_heads;
    k.resize(slots * s.dim);
    v.resize(slots * s.dim);
    std::memset(static_cast<void*>(k.data()), 0xFF, k.size() * sizeof(T));
    std::memset(static_cast<void*>(v.data()), 0xFF, v.size() * sizeof(T));
    const float unit = sizeof(T) == 2 ? 1.0f : std::is_signed<T>::value ? 0.015f : 0.01f;
    k_scales.assign(s.per_token ? slots : 1, NAN);
    v_scales = k_scales;
    k_scales[0] = v_scales[0] = unit;
    for (int b = 0; b < static_cast<int>(of.size()); b++) {
      for (int p = 0; p < of[b]; p++) {
        for (int h = 0; h < s.kv_heads; h++) {
          if (s.per_token) {
            k_scales[scale(b, p, h)] = unit * static_cast<float>(0.5 + random.uniform());
            v_scales[scale(b, p, h)] = unit * static_cast<float>(0.5 + random.uniform());
          }
          for (int d = 0; d < s.dim; d++) {
            k[cache_row(b, p, h) + d] = random_code<T>(random);
            v[cache_row(b, p, h) + d] = random_code<T>(random);
          }
        }
      }
    }
  }

  std::vector<double> expected(float factor) const {
    std::vector<double> out(lengths.size() * shape.q_heads * shape.dim, 0.0);
    for (size_t b = 0; b < lengths.size(); b++) {
      for (int h = 0; h < shape.q_heads; h++) {
        const int kv = h / shape.ratio(), n = lengths[b];
        std::vector<double> s(n);
        double top = -INFINITY, total = 0;
        for (int p = 0; p < n; p++) {
          double dot = 0;
          for (int d = 0; d < shape.dim; d++) {
            dot += bench::to_double(q[b * shape.row() + h * shape.dim + d]) * number(k[cache_row(b, p, kv) + d]);
          }
          s[p] = dot * factor * (sizeof(T) == 2 ? 1.0 : k_scales[scale(b, p, kv)]);
          top = std::max(top, s[p]);
        }
        double* to = &out[(b * shape.q_heads + h) * shape.dim];
        for (int p = 0; p < n; p++) {
          const double weight = std::exp(s[p] - top);
          const double scaled = weight * (sizeof(T) == 2 ? 1.0 : v_scales[scale(b, p, kv)]);
          total += weight;
          for (int d = 0; d < shape.dim; d++) to[d] += scaled * number(v[cache_row(b, p, kv) + d]);
        }
        for (int d = 0; d < shape.dim && n > 0; d++) to[d] /= total;
      }
    }
    return out;
  }

  // `same`: whether a block for all splits gave the same bits, where it may.
  std::vector<Bf16> run(int first, int count, bool* guards, bool* same) const {
    Device<Bf16> q_device(q), out(static_cast<size_t>(count) * shape.q_heads * shape.dim);
    Device<T> k_device(k), v_device(v);
    Device<float> k_scale(k_scales), v_scale(v_scales);
    std::vector<int> chosen(lengths.begin() + first, lengths.begin() + first + count);
    Device<int> length(chosen);
    const int split = split_of<T>(shape.dim), longest = *std::max_element(chosen.begin(), chosen.end());
    const int splits = std::max(1, (longest + split - 1) / split);
    Device<float> partial(static_cast<size_t>(count) * shape.q_heads * splits * shape.dim);
    Device<float> marks(static_cast<size_t>(count) * shape.q_heads * splits * 2);
    const float factor = static_cast<float>(1.0 / std::sqrt(shape.dim));
    const auto decode = [&](int blocks, Bf16* to) {
      const bool quantized = sizeof(T) == 1;
      const dim3 grid(shape.kv_heads * ((shape.ratio() + 7) / 8), blocks, count);
      bench::launch(nullptr, kernel<T>(shape.dim), grid, 128, 0, q_device.data() + first * shape.row(),
                    k_device.data() + cache_row(first, 0, 0), v_device.data() + cache_row(first, 0, 0),
                    quantized ? k_scale.data() + scale(first, 0, 0) : nullptr,
                    quantized ? v_scale.data() + scale(first, 0, 0) : nullptr, length.data(), partial.data(), marks.data(), to,
                    shape.q_heads, shape.kv_heads, shape.row(), shape.capacity, splits, shape.per_token ? 1 : 0, factor);
    };
    decode(splits, nullptr);
    bench::launch(nullptr, attention_combine, dim3(shape.q_heads, count), 256, 0, partial.data(), marks.data(), length.data(),
                  out.data(), shape.dim, split, splits, shape.capacity);
    CUDA_MUST(cudaDeviceSynchronize());
    const std::vector<Bf16> found = out.host();
    *same = true;
    if (splits <= 256 / (shape.dim / 4)) {
      out.poison();
      partial.poison();
      marks.poison();
      decode(1, out.data());
      CUDA_MUST(cudaDeviceSynchronize());
      *same = std::memcmp(found.data(), out.host().data(), found.size() * sizeof(Bf16)) == 0;
    }
    *guards = out.guards_hold() && partial.guards_hold() && marks.guards_hold();
    return found;
  }
};

template <class T>
void check(Checks& checks, int dim, int q_heads, int kv_heads, bool per_token, uint64_t seed) {
  Random random(seed);
  const Batch<T> batch(Shape{q_heads, kv_heads, dim, 1001, per_token}, {1, 5, 127, 1000, 128, 129, 0}, random);
  const std::string name = std::string("decode ") + name_of<T>() + (per_token ? " per token" : "") + " dim" +
                           std::to_string(dim) + " heads" + std::to_string(q_heads) + "/" + std::to_string(kv_heads);
  bool guards, same;
  const int all = static_cast<int>(batch.lengths.size());
  const std::vector<Bf16> out = batch.run(0, all, &guards, &same);
  const float factor = static_cast<float>(1.0 / std::sqrt(dim));
  checks.within(name, bench::relative_error(bench::doubles(out), batch.expected(factor)), 2.5e-3, guards);
  checks.within(name + " joined", same ? 0 : 1, 0);
  checks.same(name + " again", batch.run(0, all, &guards, &same), out, guards);
  const size_t row = static_cast<size_t>(q_heads) * dim;
  for (int alone : {2, 3, 5}) {
    const std::vector<Bf16> inside(out.begin() + alone * row, out.begin() + (alone + 1) * row);
    const std::vector<Bf16> found = batch.run(alone, 1, &guards, &same);
    checks.same(name + " alone" + std::to_string(alone), found, inside, guards && same);
  }
}

inline void check_all(Checks& checks, const bench::Options& options) {
  if (!options.wants("decode")) return;
  uint64_t seed = 1;
  for (int dim : {64, 80, 96, 128, 256}) {
    for (int ratio : {1, 4, 8}) {
      check<__nv_bfloat16>(checks, dim, 2 * ratio, 2, false, seed++);
      check<int8_t>(checks, dim, 2 * ratio, 2, true, seed++);
      check<uint8_t>(checks, dim, 2 * ratio, 2, ratio == 4, seed++);
    }
  }
  check<__nv_bfloat16>(checks, 64, 9, 3, false, seed++);
  check<__nv_bfloat16>(checks, 128, 16, 1, false, seed++);
  check<int8_t>(checks, 128, 12, 1, false, seed++);
}

// Decode and combine of `count` sequences of the same length in a cache of `capacity`; enough copies of the cache that none comes from L2.
// `whole`: a block for all splits of a sequence.
template <class T>
void time(int q_heads, int kv_heads, int dim, int count, int length, int capacity = 0, bool whole = false) {
  if (capacity == 0) capacity = length;
  const size_t scales = static_cast<size_t>(count) * capacity * kv_heads, cache = scales * dim;
  const double bytes = static_cast<double>(count) * length * kv_heads * (2.0 * dim * sizeof(T) + (sizeof(T) == 1 ? 8.0 : 0.0));
  const int copies = static_cast<int>(std::ceil(200e6 / bytes));
  const int split = split_of<T>(dim), splits = (capacity + split - 1) / split;
  Device<T> k(copies * cache), v(copies * cache);
  Device<float> k_scales(std::vector<float>(sizeof(T) == 1 ? copies * scales : 1, 0.01f));
  Device<float> v_scales(std::vector<float>(sizeof(T) == 1 ? copies * scales : 1, 0.01f));
  for (void* at : {static_cast<void*>(k.data()), static_cast<void*>(v.data())}) {
    if (sizeof(T) == 2) bench::fill_bf16(at, k.bytes());
    else bench::fill_codes(at, k.bytes(), !std::is_signed<T>::value);
  }
  Random random(7);
  const int row = (q_heads + 2 * kv_heads) * dim;
  Device<Bf16> q(bench::random_bf16(static_cast<size_t>(count) * row, random));
  Device<Bf16> out(static_cast<size_t>(count) * q_heads * dim);
  Device<int> lengths(std::vector<int>(count, length));
  Device<float> partial(static_cast<size_t>(count) * q_heads * splits * dim);
  Device<float> marks(static_cast<size_t>(count) * q_heads * splits * 2);
  const float factor = static_cast<float>(1.0 / std::sqrt(dim));
  const int calls = std::max(copies, bytes > 200e6 ? 2 : 20);
  const double us = bench::median_us(calls, [&](cudaStream_t stream, int i) {
    const size_t at = i % copies * cache;
    const size_t scale_at = sizeof(T) == 1 ? i % copies * scales : 0;
    bench::launch(stream, kernel<T>(dim), dim3(kv_heads * ((q_heads / kv_heads + 7) / 8), whole ? 1 : splits, count), 128, 0, q.data(),
                  k.data() + at, v.data() + at, k_scales.data() + scale_at, v_scales.data() + scale_at, lengths.data(),
                  partial.data(), marks.data(), whole ? out.data() : nullptr, q_heads, kv_heads, row, capacity, splits, 1, factor);
    if (whole) return;
    bench::launch(stream, attention_combine, dim3(q_heads, count), 256, 0, partial.data(), marks.data(), lengths.data(),
                  out.data(), dim, split, splits, capacity);
  });
  const std::string shape = "batch" + std::to_string(count) + " context" + std::to_string(length) + " of " + std::to_string(capacity) +
                            " heads" + std::to_string(q_heads) + "/" + std::to_string(kv_heads) + "x" + std::to_string(dim);
  bench::report("attention_decode", shape, std::string(name_of<T>()) + " split" + std::to_string(split) + (whole ? " whole" : ""), us, bytes,
                4.0 * count * length * q_heads * dim);
}

inline void time_all(const bench::Options& options) {
  if (!options.wants("decode")) return;
  for (int q_heads : {32, 64}) {
    if (options.quick && q_heads == 64) continue;
    for (int count : {1, 16}) {
      for (int length : {2048, 8192}) {
        time<__nv_bfloat16>(q_heads, 8, 128, count, length);
        time<int8_t>(q_heads, 8, 128, count, length);
        time<uint8_t>(q_heads, 8, 128, count, length);
      }
    }
  }
  time<__nv_bfloat16>(64, 8, 128, 1, 131072);
  time<__nv_bfloat16>(9, 3, 64, 16, 2048);
  for (int length : {16, 256, 512}) {
    for (bool whole : {false, true}) {
      time<__nv_bfloat16>(9, 3, 64, 4096, length, 512, whole);
      time<uint8_t>(9, 3, 64, 4096, length, 512, whole);
    }
  }
}

}  // namespace decode_bench
