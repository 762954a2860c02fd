// For the bench: all checks.
#pragma once

#include <memory>

#include "bench_data.cuh"

namespace decode_bench {

using namespace gemm_decode;

struct Variant {
  int m, flags;
  bool bias, residual, in_place;
};

// One shape with one split of K on the device.
class Case {
 public:
  Case(bench::Checks& checks, const Operands& operands, const Tiling& tiling, const std::string& name)
      : checks_(checks), o_(operands), tiling_(tiling), name_(name), x_(operands.x.bytes), tiled_(tiled_bytes()),
        scale_x_(operands.scale_x), scale_w_(operands.scale_w), bias_(operands.bias) {
    CUDA_MUST(cudaStreamCreate(&stream_));  // ordered with the copies and fills of the default stream
    const bench::Device<uint8_t> weights(o_.w.bytes);
    tile(tiled_, weights.data(), nullptr);
    check_interleaving();
  }

  ~Case() { cudaStreamDestroy(stream_); }

  // Several launches of the shape, one CHECK line.
  void check_values(const std::vector<int>& ms, int variation, double extra_bound = 0) {
    double worst = 0, worst_ratio = 0;
    bool guards = true;
    for (int m : ms) {
      variation++;
      const int out = variation % 3;
      const int scale_flags = (variation / 2 % 2 ? kScalePerRow : 0) | (variation / 3 % 2 ? kScalePerChannel : 0);
      Variant variant{m, out | scale_flags | (variation % 4 == 1 ? kGate : 0), variation % 5 < 2, variation % 7 < 3, variation % 2 == 0};
      const auto y = run(variant, plan(m, variation % 4), guards);
      const double error = compare(variant, y, extra_bound), bound = std::max(extra_bound, bound_of(variant));
      if (!(error / bound <= worst_ratio)) {
        worst_ratio = error / bound;
        worst = error;
      }
    }
    checks_.within(name_ + " values, error as a part of its bound, worst error " + std::to_string(worst), worst_ratio, 1, guards);
  }

  // The error of fp32 sums of M rows, as a JSON line: what the peers' error is compared with.
  void report_error(int m) {
    bool guards = true;
    const Variant variant{m, kOutFp32, false, false, false};
    const double error = compare(variant, run(variant, plan(m, 0), guards), 0);
    checks_.within(name_ + " error", error, bound_of(variant), guards);
    std::printf("{\"op\":\"gemm_decode\",\"shape\":\"%s %dx%dx%d\",\"relative_error\":%.3e}\n", o_.family.name, m, o_.n, o_.k, error);
  }

  // A row of X gives the same bits in every M, at every place, with every number of stages, and in every run.
  void check_bits() {
    bool guards = true;
    const int flags = kOutFp32 | kScalePerRow | kScalePerChannel;
    const Variant whole{128, flags, true, false, false};
    const std::vector<uint8_t> all = run(whole, plan(128, 1), guards);
    const size_t row_bytes = static_cast<size_t>(o_.n) * 4;
    std::vector<uint8_t> actual, expected;
    for (int m : {1, 2, 3, 7, 8, 9, 16, 17, 32, 33, 63, 64, 65, 127, 128}) {
      for (int style : {0, 3}) {
        const int first = m * 5 % (129 - m);
        const std::vector<uint8_t> y = run(Variant{m, flags, true, false, false}, plan(m, style), guards, first);
        actual.insert(actual.end(), y.begin(), y.end());
        expected.insert(expected.end(), all.begin() + first * row_bytes, all.begin() + (first + m) * row_bytes);
      }
    }
    checks_.same(name_ + " bits", actual, expected, guards);
  }

 private:
  size_t tiled_bytes() const { return static_cast<size_t>(ceil_div(o_.n, tiling_.tile_rows)) * tiling_.tile_rows * blocks_of_k(o_.k, o_.family.element_bytes()) * kBlockBytes; }

  void tile(const bench::Device<uint8_t>& to, const uint8_t* w, const uint8_t* up) {
    gemm_decode_tile<<<64, 256>>>(reinterpret_cast<uint4*>(to.data()), w, up, o_.n, o_.k * o_.family.element_bytes(), tiling_.tile_rows);
    LAUNCHED();
    CUDA_MUST(cudaDeviceSynchronize());
  }

  // Tiling two matrices, the even and the odd rows, gives the same bytes as tiling the whole.
  void check_interleaving() {
    const size_t row = o_.w.bytes.size() / o_.n;
    std::vector<uint8_t> even, odd;
    for (int i = 0; i < o_.n; i++) {
      auto& half = i % 2 == 0 ? even : odd;
      half.insert(half.end(), o_.w.bytes.begin() + i * row, o_.w.bytes.begin() + (i + 1) * row);
    }
    const bench::Device<uint8_t> gate(even), up(odd), both(tiled_bytes());
    tile(both, gate.data(), up.data());
    checks_.same(name_ + " tiles", both.host(), tiled_.host(), both.guards_hold() && tiled_.guards_hold());
  }

  // style 0: as the heuristic launches it; 1: half or twice the height in all shared memory; 2: three stages, 3: two stages of half or
  // twice the height; 1 and 3 with the dependents at the other time.
  Launch plan(int m, int style) const {
    const Size size{m, o_.n, o_.k, o_.family.element_bytes(), o_.family.block_scales};
    const Launch chosen = choose_launch(tiling_, size);
    if (style == 0) return chosen;
    int height = tiling_.tile_rows;
    if (style % 2 == 1) height = tiling_.tile_rows % 32 == 0 && m % 3 != 0 ? tiling_.tile_rows / 2 : tiling_.tile_rows * 2;
    while (height > most_rows(chosen.n)) height = height % 32 == 0 ? height / 2 : 16;
    Launch launch = plan_within(size, tiling_.split, height, kSharedBytes);
    if (style >= 2) {
      launch.stages = std::min(launch.stages, 5 - style);
      launch.shared_bytes = shared_bytes(size, launch, launch.stages);
    }
    if (style % 2 == 1) launch.flags ^= kLateLaunch;
    return launch;
  }

  std::vector<uint8_t> run(const Variant& v, const Launch& launch_plan, bool& guards, int first_row = 0) {
    const int out = v.flags & kOutMask, columns = v.flags & kGate ? o_.n / 2 : o_.n;
    const size_t count = static_cast<size_t>(v.m) * columns;
    const bench::Device<uint8_t> residual(encode_residual(o_.residual, count, out)), y(count * bytes_of(out));
    if (v.residual && v.in_place) CUDA_MUST(cudaMemcpy(y.data(), residual.data(), y.bytes(), cudaMemcpyDeviceToDevice));
    const uint8_t* x = x_.data() + static_cast<size_t>(first_row) * o_.k * o_.family.element_bytes();
    Problem problem{y.data(),        tiled_.data(), scale_x_.data() + first_row * (o_.family.block_scales ? o_.k_blocks : 1),
                    scale_w_.data(), v.bias ? bias_.data() : nullptr,
                    nullptr,         v.m, o_.n, o_.k, tiling_.tile_rows, 0, 0, v.flags};
    if (v.residual) problem.residual = v.in_place ? y.data() : residual.data();
    last_ = launch_plan.text();
    launch(o_.family, launch_plan, x, problem, stream_, true);
    const cudaError_t code = cudaDeviceSynchronize();
    if (code != cudaSuccess) {
      std::printf("CHECK gemm_decode %s FAILED m=%d flags=%d %s: %s\n", name_.c_str(), v.m, v.flags, last_.c_str(), cudaGetErrorString(code));
      print_timeout();
      std::exit(1);
    }
    guards = guards && y.guards_hold();
    return y.host();
  }

  double bound_of(const Variant& v) const {
    const int out = v.flags & kOutMask;
    const double rounding = out == kOutFp32 ? 0 : out == kOutBf16 ? 0x1p-8 : 0x1p-11;  // of a value just above a power of two
    return rounding + (o_.family.x == Kind::kInt8 ? 2e-6 : o_.family.x == Kind::kBf16 ? 1e-4 : 2e-3);
  }

  // ||actual - expected|| / ||expected|| of all outputs, or of a sample; infinite when one output is far off or none finite.
  double compare(const Variant& v, const std::vector<uint8_t>& y, double extra_bound) {
    const int out = v.flags & kOutMask, columns = v.flags & kGate ? o_.n / 2 : o_.n;
    const size_t count = static_cast<size_t>(v.m) * columns, samples = std::min<size_t>(count, std::max(400, 1500000 / o_.k));
    for (size_t i = 0; i < count; i++) {
      if (!std::isfinite(decode_output(y, i, out))) return failed(v, i, columns, decode_output(y, i, out), 0, "not finite");
    }
    bench::Random random(count);
    std::vector<double> actual, expected;
    std::vector<size_t> at;
    for (size_t s = 0; s < samples; s++) {
      const size_t i = samples == count ? s : s == 0 ? 0 : s == 1 ? count - 1 : random.bits() % count;
      at.push_back(i);
      actual.push_back(decode_output(y, i, out));
      expected.push_back(o_.expected(static_cast<int>(i / columns), static_cast<int>(i % columns), v.flags, v.bias, v.residual));
    }
    double norm = 0;
    for (double value : expected) norm += value * value;
    const double bound = std::max(extra_bound, bound_of(v)), rms = std::sqrt(norm / samples);
    for (size_t s = 0; s < samples; s++) {
      if (!(std::fabs(actual[s] - expected[s]) <= 8 * bound * rms + 2 * bound * std::fabs(expected[s]))) {
        return failed(v, at[s], columns, actual[s], expected[s], "too far off");
      }
    }
    return bench::relative_error(actual, expected);
  }

  double failed(const Variant& v, size_t i, int columns, double actual, double expected, const char* what) {
    std::printf("  %s m=%d flags=%d bias=%d residual=%d in_place=%d %s: Y[%zu][%zu] = %.9g, expected %.9g: %s\n", name_.c_str(), v.m,
                v.flags, v.bias, v.residual, v.in_place, last_.c_str(), i / columns, i % columns, actual, expected, what);
    return INFINITY;
  }

  bench::Checks& checks_;
  const Operands& o_;
  const Tiling tiling_;
  const std::string name_;
  const bench::Device<uint8_t> x_, tiled_;
  const bench::Device<float> scale_x_, scale_w_, bias_;
  cudaStream_t stream_;
  std::string last_;
};

inline void check_all(bench::Checks& checks, const bench::Options& options, const Card& card) {
  struct Shape { int n, k, tile_rows, split; };  // no tile rows: the heuristic's
  std::vector<Shape> shapes = {{16, 16, 16, 1},    {48, 80, 48, 1},     {112, 16, 32, 2},   {208, 272, 112, 2}, {496, 1008, 160, 2},
                                     {1040, 528, 224, 1}, {272, 1040, 128, 4}, {528, 2064, 224, 2}, {640, 1152, 256, 2}, {496, 2064, 64, 2},
                                     {272, 5136, 64, 4}, {208, 4112, 32, 4},  {528, 4112, 0, 0}};
  if (options.smallest) shapes = {{48, 80, 48, 1}, {208, 272, 112, 2}, {272, 1040, 128, 4}};
  const std::vector<int> ms = options.smallest ? std::vector<int>{3, 17, 33, 65}
                                               : std::vector<int>{1, 2, 3, 7, 8, 9, 16, 17, 33, 64, 65, 127, 128};
  bench::Random random(20261124);
  int variation = 0;
  for (const Family& family : families()) {
    if (!options.wants(family.name)) continue;
    for (const Shape& shape : shapes) {
      const Operands operands(random, family, shape.n, shape.k);
      const Tiling tiling = shape.split == 0 ? choose_tiling(shape.n, shape.k, family.element_bytes(), card)
                                             : Tiling{shape.split, shape.tile_rows, 0, ""};
      Case one(checks, operands, tiling,
               std::string(family.name) + " " + std::to_string(shape.n) + "x" + std::to_string(shape.k) + " r" +
                   std::to_string(tiling.tile_rows) + " c" + std::to_string(tiling.split));
      one.check_values(ms, variation += 13);
      if (!options.smallest) one.check_bits();
    }
    if (options.smallest) continue;
    if (family.x != Kind::kBf16 && family.x != Kind::kInt8) {
      const Operands extremes(random, family, 208, 272, true);
      Case(checks, extremes, Tiling{2, 112, 0, ""}, std::string(family.name) + " every code").check_values({5, 40}, 1, 4e-3);
    }
    const Operands deep(random, family, 256, 28672);
    Case(checks, deep, Tiling{2, 128, 0, ""}, std::string(family.name) + " 256x28672").report_error(16);
  }
}

}  // namespace decode_bench
