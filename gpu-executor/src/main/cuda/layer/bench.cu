// Checks and times the small operators of a layer without a JVM.
#include "layer.cu"

#include "bench_rope.cuh"
#include "bench_rows.cuh"

namespace layer_bench {

// Rotating over 150 MB when M is large. At M = 1 the data of a chain of layers lies in L2, and so it does here.
int copies_of(double bytes) { return std::max(1, std::min(64, static_cast<int>(std::ceil(150e6 / bytes)))); }

struct Timing {
  const char* op;
  std::string shape;
  double bytes;
  int copies;

  Timing(const char* name, int m, int n, double moved)
      : op(name), shape("M" + std::to_string(m) + " N" + std::to_string(n)), bytes(moved), copies(copies_of(moved)) {}

  void measure(const char* configuration, const std::function<void(cudaStream_t, int)>& body) const {
    const double us = bench::median_us(std::max(20, copies), [&](cudaStream_t stream, int i) { body(stream, i % copies); });
    bench::report(op, shape, configuration, us, bytes, 0);
  }
};

void time_norm(int m, int n) {
  const size_t row = static_cast<size_t>(m) * n;
  const Timing plain("rms_norm", m, n, 4.0 * row), added("add_rms_norm", m, n, 8.0 * row);
  Device<Bf16> x(plain.copies * row), residual(added.copies * row), w(n), y(plain.copies * row);
  bench::fill_bf16(x.data(), x.bytes());
  bench::fill_bf16(residual.data(), residual.bytes());
  bench::fill_bf16(w.data(), w.bytes());
  plain.measure("one block a row", [&](cudaStream_t stream, int i) {
    bench::launch(stream, layer_rms_norm, m, norm_threads(n), 0, x.data() + i * row, w.data(), y.data() + i * row, n, 1e-5f);
  });
  added.measure("one block a row", [&](cudaStream_t stream, int i) {
    bench::launch(stream, layer_add_rms_norm, m, norm_threads(n), 0, x.data() + i * row, residual.data() + i * row, w.data(),
                  y.data() + i * row, residual.data() + i * row, n, 1e-5f);
  });
}

void time_points(int m, int hidden, int inner) {
  const size_t row = static_cast<size_t>(m) * inner, sum_row = static_cast<size_t>(m) * hidden;
  const Timing swiglu("swiglu", m, inner, 6.0 * row), add("add", m, hidden, 6.0 * sum_row);
  Device<Bf16> x(std::max(2 * swiglu.copies * row, add.copies * sum_row)), b(add.copies * sum_row);
  Device<Bf16> y(std::max(swiglu.copies * row, add.copies * sum_row));
  bench::fill_bf16(x.data(), x.bytes());
  bench::fill_bf16(b.data(), b.bytes());
  swiglu.measure("halves", [&](cudaStream_t stream, int i) {
    bench::launch(stream, layer_swiglu_halves, point_grid(m, inner), 256, 0, x.data() + 2 * i * row, y.data() + i * row, m,
                  inner);
  });
  swiglu.measure("pairs", [&](cudaStream_t stream, int i) {
    bench::launch(stream, layer_swiglu_pairs, point_grid(m, inner), 256, 0, x.data() + 2 * i * row, y.data() + i * row, m,
                  inner);
  });
  const long long vectors = static_cast<long long>(sum_row / 8);
  add.measure("two vectors a thread", [&](cudaStream_t stream, int i) {
    bench::launch(stream, layer_add, static_cast<unsigned>((vectors + 511) / 512), 256, 0, x.data() + i * sum_row,
                  b.data() + i * sum_row, y.data() + i * sum_row, vectors);
  });
}

void time_embedding(int m, int n, int vocabulary) {
  const size_t row = static_cast<size_t>(m) * n;
  const Timing timing("embedding", m, n, 4.0 * row);
  Device<Bf16> table(static_cast<size_t>(vocabulary) * n), y(timing.copies * row);
  bench::fill_bf16(table.data(), table.bytes());
  Random random(5);
  std::vector<int> ids(static_cast<size_t>(timing.copies) * m);
  for (int& id : ids) id = static_cast<int>(random.bits() % vocabulary);
  Device<int> ids_device(ids);
  timing.measure("one block a row", [&](cudaStream_t stream, int i) {
    bench::launch(stream, layer_embedding, m, norm_threads(n), 0, table.data(), ids_device.data() + i * m, y.data() + i * row, n,
                  vocabulary);
  });
}

template <class T>
void time_softmax(int m, int vocabulary) {
  const size_t row = static_cast<size_t>(m) * vocabulary;
  const Timing timing("log_softmax", m, vocabulary, static_cast<double>(sizeof(T)) * row);
  Device<T> x(timing.copies * row);
  bench::fill_bf16(x.data(), x.bytes());
  Device<int> targets(std::vector<int>(m, 17)), is_greedy(m);
  Device<float> y(m);
  void (*kernel)(const T*, const int*, float*, int*, int*, int);
  if constexpr (sizeof(T) == 2) kernel = layer_log_softmax_bf16;
  else kernel = layer_log_softmax_fp32;
  timing.measure(sizeof(T) == 2 ? "bf16" : "fp32", [&](cudaStream_t stream, int i) {
    bench::launch(stream, kernel, m, 512, 0, x.data() + i * row, targets.data(), y.data(), is_greedy.data(), nullptr, vocabulary);
  });
}

template <class T>
void time_rope(int m, int q_heads, int kv_heads, const char* configuration) {
  const rope_bench::Shape shape{q_heads, kv_heads, 128, false, true};
  const size_t row = static_cast<size_t>(m) * shape.row(), slots = static_cast<size_t>(m) * kv_heads;
  const double bytes = 2.0 * row + 2.0 * m * (q_heads + kv_heads) * 128 + 2.0 * slots * 128 * sizeof(T);
  const Timing timing("rope_append", m, shape.row(), bytes);
  Device<Bf16> x(timing.copies * row);
  bench::fill_bf16(x.data(), x.bytes());
  Device<T> k(timing.copies * slots * 128), v(timing.copies * slots * 128);
  Device<float> k_scales(timing.copies * slots), v_scales(timing.copies * slots);
  std::vector<int> positions(m);
  for (int i = 0; i < m; i++) positions[i] = i;
  Device<int> at(positions), of(std::vector<int>(m, 0));
  Device<float> cosines(rope_bench::table(m, 64, std::cos)), sines(rope_bench::table(m, 64, std::sin));
  const Bf16* none = nullptr;
  timing.measure(configuration, [&](cudaStream_t stream, int i) {
    bench::launch(stream, rope_bench::kernel<T>(), shape.grid(m), 128, 0, x.data() + i * row, at.data(), of.data(),
                  cosines.data(), sines.data(), none, none, k.data() + i * slots * 128, v.data() + i * slots * 128,
                  k_scales.data() + i * slots, v_scales.data() + i * slots, q_heads, kv_heads, 128, m, 1, 1e-6f);
  });
}

void time_all(const bench::Options& options) {
  for (int m : {1, 16, 4096}) {
    for (int size : {0, 1}) {
      if (options.quick && (size == 1 || m == 16)) continue;
      const int hidden = size == 0 ? 4096 : 8192, inner = size == 0 ? 14336 : 28672, q_heads = size == 0 ? 32 : 64;
      if (options.wants("norm")) time_norm(m, hidden);
      if (options.wants("swiglu") || options.wants("add")) time_points(m, hidden, inner);
      if (options.wants("embedding")) time_embedding(m, hidden, 128256);
      if (options.wants("rope")) {
        time_rope<Bf16>(m, q_heads, 8, "bf16 cache");
        time_rope<int8_t>(m, q_heads, 8, "int8 cache per token");
        time_rope<uint8_t>(m, q_heads, 8, "fp8 cache per token");
      }
    }
    if (options.wants("softmax")) {
      time_softmax<Bf16>(m, 128256);
      time_softmax<float>(m, 128256);
    }
  }
}

}  // namespace layer_bench

int main(int argc, char** argv) {
  const bench::Options options = bench::Options::parse(argc, argv);
  bench::Checks checks("layer");
  if (!options.time_only) {
    layer_bench::check_rows(checks, options);
    rope_bench::check_all(checks, options);
  }
  const int code = checks.exit_code();
  if (options.check_only || code != 0) return code;
  layer_bench::time_all(options);
  return 0;
}
