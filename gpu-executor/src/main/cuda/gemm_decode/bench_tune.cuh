// For the bench: timing, of the heuristic's choice or of everything that it could have chosen.
#pragma once

#include <cuda_fp8.h>

#include <chrono>
#include <map>
#include <thread>

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

// Normal numbers as e4m3, like those that the peers multiply: what a product takes of the card's power, and so its clocks, depends on them.
__global__ void fill_normal(uint8_t* codes, long long count, uint32_t seed) {
  const auto uniform = [&](uint32_t i) {
    uint32_t z = i * 2654435761u + seed;
    z = (z ^ z >> 16) * 0x85EBCA6Bu;
    z = (z ^ z >> 13) * 0xC2B2AE35u;
    return (static_cast<float>(z ^ z >> 16) + 0.5f) * 0x1p-32f;
  };
  for (long long i = blockIdx.x * 256ll + threadIdx.x; i < count; i += gridDim.x * 256ll) {
    const uint32_t pair = static_cast<uint32_t>(2 * i);
    codes[i] = __nv_cvt_float_to_fp8(sqrtf(-2 * logf(uniform(pair))) * cospif(2 * uniform(pair + 1)), __NV_SATFINITE, __NV_E4M3);
  }
}

// One shape's operands: copies of the weights, more than 120 MB in all, so that they come from device memory in each launch.
class Timed {
 public:
  static constexpr int kMostPadding = 448;  // rows that complete a tile

  Timed(const Family& family, const Shape& shape)
      : family_(family), shape_(shape),
        weight_bytes_(static_cast<size_t>(shape.n + kMostPadding) * blocks_of_k(shape.k, family.element_bytes()) * kBlockBytes),
        copies_(static_cast<int>((160'000'000 + weight_bytes_ - 1) / weight_bytes_)), weights_(weight_bytes_ * copies_),
        x_(static_cast<size_t>(128) * shape.k * family.element_bytes()), y_(static_cast<size_t>(256) * shape.n * 2),
        scale_x_(std::vector<float>(128 * ceil_div(shape.k, 128), 0.01f)),
        scale_w_(std::vector<float>(std::max<size_t>(shape.n, static_cast<size_t>(ceil_div(shape.n, 128)) * ceil_div(shape.k, 128)), 0.01f)) {
    fill(weights_, 1);
    fill(x_, 2);
    CUDA_MUST(cudaDeviceSynchronize());
  }

  // Microseconds of one GEMM in a chain, bf16 out, per-row and per-channel (or block) scales. `numbered`: for a trace.
  double us(const Tiling& tiling, const Launch& plan, int m, bool dependent, int replays, bool numbered = false) const {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // some rest, as the peers have while they are checked
    const int calls = this->calls();
    return bench::median_us(
        calls,
        [&](cudaStream_t stream, int i) {
          Problem problem{y_.data() + static_cast<size_t>(i % 2) * 128 * shape_.n * 2,
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
          launch(family_, plan, x_.data(), problem, stream, dependent);
        },
        replays);
  }

  // A chain of about a millisecond, as the peers' are.
  int calls() const { return ceil_div(std::min<int>(200, static_cast<int>(4'000'000'000 / weight_bytes_)), copies_) * copies_; }

  double bytes(int m) const {
    return static_cast<double>(shape_.n) * shape_.k * family_.element_bytes() + static_cast<double>(m) * shape_.k * family_.element_bytes() +
           static_cast<double>(m) * shape_.n * 2;
  }

  Size size(int m) const { return {m, shape_.n, shape_.k, family_.element_bytes(), family_.block_scales}; }

  const Family& family() const { return family_; }
  const Shape& shape() const { return shape_; }
  std::string name(int m) const {
    return std::string(shape_.name) + " " + std::to_string(shape_.n) + "x" + std::to_string(shape_.k) + " m=" + std::to_string(m);
  }

 private:
  void fill(const bench::Device<uint8_t>& bytes, uint32_t seed) const {
    const long long count = static_cast<long long>(bytes.bytes());
    if (family_.w == Kind::kE4m3) fill_normal<<<2048, 256>>>(bytes.data(), count, seed);
    else fill_random<<<2048, 256>>>(reinterpret_cast<uint32_t*>(bytes.data()), count / 4, seed);
    LAUNCHED();
  }

  const Family& family_;
  const Shape shape_;
  const size_t weight_bytes_;
  const int copies_;
  const bench::Device<uint8_t> weights_, x_, y_;
  const bench::Device<float> scale_x_, scale_w_;
};

// The heuristic's choice for every shape and M, as dependent launches and without.
inline void time_chosen(const bench::Options& options, const Card& card) {
  const std::vector<int> ms = options.quick ? std::vector<int>{1, 16, 64} : std::vector<int>{1, 4, 8, 16, 32, 64, 128};
  for (const Family& family : families()) {
    if (options.quick && &family != &families().front()) continue;
    for (const Shape& shape : shapes()) {
      if (!options.wants(std::string(family.name) + " " + shape.name)) continue;
      const Timed timed(family, shape);
      const Tiling tiling = choose_tiling(shape.n, shape.k, family.element_bytes(), card);
      for (int m : ms) {
        const Launch plan = choose_launch(tiling, timed.size(m));
        const double operations = 2.0 * m * shape.n * shape.k;
        for (bool dependent : {true, false}) {
          if (!dependent && family.x != Kind::kE4m3) continue;
          bench::report("gemm_decode", std::string(family.name) + " " + timed.name(m), plan.text() + (dependent ? " pdl" : ""),
                        timed.us(tiling, plan, m, dependent, 25), timed.bytes(m), operations);
        }
      }
    }
  }
}

// Everything that may be launched for one M: splits of K, heights, rings, places of launch_dependents.
inline std::vector<Launch> candidates(const Size& size) {
  const double weights = static_cast<double>(size.n) * size.k;
  std::vector<Launch> all;
  for (int split : {1, 2, 4}) {
    if (split > 2 && weights > 3e8) continue;
    for (int rows = 32; rows <= most_rows(columns_for(size.m)); rows += 16) {
      const int grid = ceil_div(size.n, rows) * split;
      if (grid < 60 || grid > (weights > 3e8 ? 1100 : 280)) continue;
      for (int budget : {kSharedBytes, kHalfSharedBytes}) {
        Launch plan = plan_within(size, split, rows, budget);
        if (plan.stages < 3) continue;
        all.push_back(plan);
        if (split > 1) continue;
        all.push_back(plan);
        all.back().flags ^= kLateLaunch;
      }
    }
  }
  return all;
}

// Times all of them for e4m3, a line each: shape, M | launch | microseconds.
inline void tune(const bench::Options& options) {
  const std::vector<int> ms = options.quick ? std::vector<int>{1, 16, 64} : std::vector<int>{1, 8, 16, 32, 64, 128};
  const Family& family = families().front();
  for (const Shape& shape : shapes()) {
    if (!options.wants(std::string(family.name) + " " + shape.name)) continue;
    const Timed timed(family, shape);
    for (int m : ms) {
      for (const Launch& plan : candidates(timed.size(m))) {
        const double us = timed.us(Tiling{plan.split, plan.rows, 0, ""}, plan, m, true, 5);
        std::printf("TUNE %s | %s | %.2f\n", timed.name(m).c_str(), plan.text().c_str(), us);
      }
      std::fflush(stdout);
    }
  }
}

}  // namespace decode_bench
