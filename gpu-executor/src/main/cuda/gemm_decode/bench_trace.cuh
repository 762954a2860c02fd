// For the bench, with -DDECODE_TRACE: where the time of a GEMM in a chain goes.
#pragma once

#include <set>

#include "bench_tune.cuh"

namespace decode_bench {

#ifdef DECODE_TRACE
inline const char* const kStampNames[] = {"start", "ring asked", "predecessor done", "X visible", "loop end", "cluster met", "shares there", "end"};

// Prints for every stamp the least, mean and greatest time after the last end of the launch before, over blocks and launches 8, 9...;
// then the time from end to end and how many multiprocessors run two or more blocks of one launch.
inline void print_trace(const std::vector<unsigned long long>& stamps, int calls, int blocks) {
  const auto at = [&](int launch, int block, int stamp) {
    return static_cast<double>(stamps[(static_cast<size_t>(launch) * kTraceBlocks + block) * kStamps + stamp]);
  };
  const auto last_end = [&](int launch) {
    double end = 0;
    for (int block = 0; block < blocks; block++) end = std::max(end, at(launch, block, kEnd));
    return end;
  };
  const int first = 8;
  for (int stamp = 0; stamp <= kEnd; stamp++) {
    double least = 1e30, greatest = -1e30, sum = 0;
    int count = 0;
    for (int launch = first; launch < calls; launch++) {
      const double zero = last_end(launch - 1);
      for (int block = 0; block < blocks; block++) {
        if (at(launch, block, stamp) == 0) continue;  // a block without a share of the sums
        const double ns = at(launch, block, stamp) - zero;
        least = std::min(least, ns);
        greatest = std::max(greatest, ns);
        sum += ns;
        count++;
      }
    }
    std::printf("  %-16s min %8.0f mean %8.0f max %8.0f ns\n", kStampNames[stamp], least, sum / std::max(count, 1), greatest);
  }
  std::multiset<int> used;
  for (int block = 0; block < blocks; block++) used.insert(static_cast<int>(at(calls - 1, block, kMultiprocessor)));
  int shared = 0;
  for (int i : std::set<int>(used.begin(), used.end())) shared += used.count(i) > 1;
  std::printf("  from end to end %.0f ns; %d multiprocessors with several blocks of one launch\n",
              (last_end(calls - 1) - last_end(first - 1)) / (calls - first), shared);
}

// For the shapes with the greatest fixed cost, over M.
inline void trace_all(const bench::Options& options, const Card& card) {
  const Family& family = families().front();
  for (const Shape& shape : shapes()) {
    if (shape.n > 8192 || shape.k > 14336 || !options.wants(std::string(family.name) + " " + shape.name)) continue;
    const Timed timed(family, shape);
    const Tiling tiling = choose_tiling(shape.n, shape.k, 1, card);
    const bench::Device<unsigned long long> stamps(static_cast<size_t>(timed.calls()) * kTraceBlocks * kStamps);
    unsigned long long* pointer = stamps.data();
    CUDA_MUST(cudaMemcpyToSymbol(trace_stamps, &pointer, sizeof pointer));
    for (int m : {1, 16, 64, 128}) {
      const Launch plan = choose_launch(tiling, timed.size(m));
      CUDA_MUST(cudaMemset(pointer, 0, stamps.bytes()));
      const double us = timed.us(tiling, plan, m, true, 5, true);
      std::printf("TRACE %s %s: %.2f us\n", timed.name(m).c_str(), plan.text().c_str(), us);
      print_trace(stamps.host(), timed.calls(), plan.grid);
    }
    pointer = nullptr;
    CUDA_MUST(cudaMemcpyToSymbol(trace_stamps, &pointer, sizeof pointer));
  }
  std::fflush(stdout);
}
#else
inline void trace_all(const bench::Options&, const Card&) { std::printf("built without -DDECODE_TRACE\n"); }
#endif

}  // namespace decode_bench
