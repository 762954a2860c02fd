// For the bench: timing, of the heuristic's choice or of everything that it could have chosen.
#pragma once

#include <map>

#include "bench_kernels.cuh"

namespace decode_bench {

using namespace gemm_decode;

struct Shape { const char* name; int n, k; };

// The table of design/kernels.md.
inline const std::vector<Shape>& shapes() {
  static const std::vector<Shape> all = {{"8B o_proj", 4096, 4096},    {"8B qkv", 6144, 4096},      {"70B o_proj", 8192, 8192},
                                         {"8B down", 4096, 14336},     {"70B qkv", 10240, 8192},    {"70B down", 8192, 28672},
                                         {"8B gate+up", 28672, 4096},  {"70B gate+up", 57344, 8192}};
  return all;
}

// Random bytes, none of which is a NaN in e4m3, int8 or (with bytes 2 i + 1 as exponents) bf16.
__global__ void fill_random(uint32_t* words, long long count, uint32_t seed) {
  for (long long i = blockIdx.x * 256ll + threadIdx.x; i < count; i += gridDim.x * 256ll) {
    uint32_t z = static_cast<uint32_t>(i) * 2654435761u + seed;
    z = (z ^ z >> 16) * 0x85EBCA6Bu;
    z = (z ^ z >> 13) * 0xC2B2AE35u;
    words[i] = (z ^ z >> 16) & 0xBFBFBFBFu;
  }
}

// One shape's operands: copies of the weights, more than 120 MB in all, so that they come from device memory in each launch.
class Timed {
 public:
  Timed(const Family& family, const Shape& shape)
      : family_(family), shape_(shape),
        weight_bytes_(static_cast<size_t>(shape.n) * blocks_of_k(shape.k, family.element_bytes()) * kBlockBytes),
        copies_(static_cast<int>((160'000'000 + weight_bytes_ - 1) / weight_bytes_)), weights_(weight_bytes_ * copies_),
        x_(static_cast<size_t>(128) * shape.k * family.element_bytes()), y_(static_cast<size_t>(256) * shape.n * 2),
        scale_x_(std::vector<float>(128 * ceil_div(shape.k, 128), 0.01f)),
        scale_w_(std::vector<float>(std::max<size_t>(shape.n, static_cast<size_t>(ceil_div(shape.n, 128)) * ceil_div(shape.k, 128)), 0.01f)) {
    fill_random<<<2048, 256>>>(reinterpret_cast<uint32_t*>(weights_.data()), static_cast<long long>(weights_.bytes() / 4), 1);
    fill_random<<<256, 256>>>(reinterpret_cast<uint32_t*>(x_.data()), static_cast<long long>(x_.bytes() / 4), 2);
    LAUNCHED();
    CUDA_MUST(cudaDeviceSynchronize());
  }

  // Microseconds of one GEMM in a chain, bf16 out, per-row and per-channel (or block) scales. `numbered`: for a trace.
  double us(const Tiling& tiling, const Launch& plan, int m, bool dependent, int replays, bool numbered = false) const {
    const int calls = this->calls();
    return bench::median_us(
        calls,
        [&](cudaStream_t stream, int i) {
          Problem problem{y_.data() + static_cast<size_t>(i % 2) * 128 * shape_.n * 2,
                          x_.data(),
                          weights_.data() + i % copies_ * weight_bytes_,
                          scale_x_.data(),
                          scale_w_.data(),
                          nullptr,
                          nullptr,
                          m,
                          shape_.n,
                          shape_.k,
                          tiling.tile_rows,
                          0,
                          0,
                          kOutBf16 | kScalePerRow | kScalePerChannel};
          if (numbered) problem.flags |= i << kLaunchShift;
          launch(family_, plan, problem, stream, dependent);
        },
        replays);
  }

  int calls() const { return ceil_div(24, copies_) * copies_; }

  double bytes(int m) const {
    return static_cast<double>(shape_.n) * shape_.k * family_.element_bytes() + static_cast<double>(m) * shape_.k * family_.element_bytes() +
           static_cast<double>(m) * shape_.n * 2;
  }

  Launch chosen(const Tiling& tiling, int m) const {
    return choose_launch(tiling, m, shape_.n, shape_.k, family_.element_bytes(), family_.block_scales);
  }

  const Family& family() const { return family_; }
  const Shape& shape() const { return shape_; }
  std::string name(int m) const {
    return std::string(shape_.name) + " " + std::to_string(shape_.n) + "x" + std::to_string(shape_.k) + " m=" + std::to_string(m);
  }

 private:
  const Family& family_;
  const Shape shape_;
  const size_t weight_bytes_;
  const int copies_;
  const bench::Device<uint8_t> weights_, x_, y_;
  const bench::Device<float> scale_x_, scale_w_;
};

// The heuristic's choice for every shape and M, as dependent launches and without.
inline void time_chosen(const bench::Options& options, int multiprocessors) {
  const std::vector<int> ms = options.quick ? std::vector<int>{1, 16, 64} : std::vector<int>{1, 4, 8, 16, 32, 64, 128};
  for (const Family& family : families()) {
    if (options.quick && &family != &families().front()) continue;
    for (const Shape& shape : shapes()) {
      if (!options.wants(std::string(family.name) + " " + shape.name)) continue;
      const Timed timed(family, shape);
      const Tiling tiling = choose_tiling(shape.n, shape.k, family.element_bytes(), multiprocessors);
      for (int m : ms) {
        const Launch plan = timed.chosen(tiling, m);
        const double operations = 2.0 * m * shape.n * shape.k;
        for (bool dependent : {true, false}) {
          if (!dependent && family.x != Kind::kE4m3) continue;
          bench::report("gemm_decode", std::string(family.name) + " " + timed.name(m), plan.text(tiling.tile_rows) + (dependent ? " pdl" : ""),
                        timed.us(tiling, plan, m, dependent, 25), timed.bytes(m), operations);
        }
      }
    }
  }
}

// The eight cheapest tilings of one shape that are not discarded, and tiles of 64 rows, which several blocks a multiprocessor share.
inline std::vector<Tiling> candidates(const Family& family, const Shape& shape, int multiprocessors) {
  std::vector<Tiling> all = enumerate_tilings(shape.n, shape.k, family.element_bytes(), multiprocessors), kept;
  std::stable_sort(all.begin(), all.end(), [](const Tiling& a, const Tiling& b) { return a.cost < b.cost; });
  const auto keep = [&](const Tiling& tiling) {
    const bool known = std::any_of(kept.begin(), kept.end(), [&](const Tiling& other) {
      return other.tile_rows == tiling.tile_rows && other.cluster == tiling.cluster;
    });
    if (tiling.discarded.empty() && !known) kept.push_back(tiling);
  };
  for (const Tiling& tiling : all) {
    if (kept.size() < 6) keep(tiling);
  }
  for (int cluster = 2; cluster <= 4 && shape.n <= 6144; cluster++) {
    keep(judge_tiling(shape.n, blocks_of_k(shape.k, family.element_bytes()), 64, cluster, multiprocessors));
  }
  return kept;
}

struct Result {
  double us;
  Tiling tiling;
  Launch plan;

  std::string text() const {
    char us_text[16];
    std::snprintf(us_text, sizeof us_text, " %.2f]", us);
    return " [" + plan.text(tiling.tile_rows) + us_text;
  }
};

// All tilings, rings and places of launch_dependents for one M, the fastest first.
inline std::vector<Result> time_all(const Timed& timed, int m, int multiprocessors) {
  std::vector<Result> results;
  for (const Tiling& tiling : candidates(timed.family(), timed.shape(), multiprocessors)) {
    int stages = -1;
    for (int budget : {kSharedBytes, kHalfSharedBytes, kHalfSharedBytes * 2 / 3}) {
      Launch plan = plan_within(tiling, m, timed.shape().n, timed.shape().k, 1, false, budget);
      if (plan.stages == 0 || plan.stages == stages) continue;
      stages = plan.stages;
      for (int late : {0, kLateLaunch}) {
        plan.flags = (plan.flags & ~kLateLaunch) | late;
        results.push_back({timed.us(tiling, plan, m, true, 7), tiling, plan});
      }
    }
  }
  std::sort(results.begin(), results.end(), [](const Result& a, const Result& b) { return a.us < b.us; });
  return results;
}

// For every M the best launches, the best one with each way of doing things turned over, and for every tiling the geometric mean over M
// of its best launch against the best of all.
inline void tune(const bench::Options& options, int multiprocessors) {
  const std::vector<int> ms = options.quick ? std::vector<int>{1, 16, 64} : std::vector<int>{1, 8, 16, 32, 64, 128};
  const Family& family = families().front();
  for (const Shape& shape : shapes()) {
    if (!options.wants(std::string(family.name) + " " + shape.name)) continue;
    const Timed timed(family, shape);
    const Tiling tiling = choose_tiling(shape.n, shape.k, 1, multiprocessors);
    std::map<std::string, double> logs;  // tiling -> sum over M of log(us / best)
    for (int m : ms) {
      const std::vector<Result> results = time_all(timed, m, multiprocessors);
      std::map<std::string, double> best_of;
      for (const Result& result : results) {
        best_of.emplace("h" + std::to_string(result.tiling.tile_rows) + " c" + std::to_string(result.tiling.cluster), result.us);
      }
      for (const auto& [key, us] : best_of) logs[key] += std::log(us / results[0].us);
      const Launch chosen = timed.chosen(tiling, m);
      std::printf("TUNE %s: floor %.2f us; chosen%s; best", timed.name(m).c_str(), timed.bytes(m) / 3.1e6,
                  Result{timed.us(tiling, chosen, m, true, 9), tiling, chosen}.text().c_str());
      for (size_t i = 0; i < std::min<size_t>(6, results.size()); i++) std::printf("%s", results[i].text().c_str());
      std::printf("; turned over");
      for (int flag : {kPush, kXAtOnce, kLateLaunch}) {
        Result other = results[0];
        if (flag == kPush && (other.plan.cluster == 1 || other.plan.n > 32)) continue;
        other.plan.flags ^= flag;
        other.us = timed.us(other.tiling, other.plan, m, true, 9);
        std::printf("%s", other.text().c_str());
      }
      std::printf("\n");
    }
    std::vector<std::pair<double, std::string>> order;
    for (const auto& [key, sum] : logs) order.push_back({std::exp(sum / ms.size()), key});
    std::sort(order.begin(), order.end());
    std::printf("TILINGS %s:", shape.name);
    for (size_t i = 0; i < std::min<size_t>(6, order.size()); i++) std::printf(" [%s %.3f]", order[i].second.c_str(), order[i].first);
    std::printf("\n");
    std::fflush(stdout);
  }
}

}  // namespace decode_bench
