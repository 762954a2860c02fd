// With -DDECODE_TRACE every block of a launch leaves times of the device's clock; without it nothing of this is compiled.
#pragma once

#include <cstdint>

namespace gemm_decode {

enum Stamp { kStart, kRingAsked, kPredecessorDone, kXVisible, kLoopEnd, kClusterMet, kSharesThere, kEnd, kMultiprocessor, kStamps };

#ifdef DECODE_TRACE
constexpr int kTraceBlocks = 1024;
// [launch][block][stamp], or null.
static __device__ unsigned long long* trace_stamps;

__device__ __forceinline__ void trace(int flags, Stamp stamp) {
  if (trace_stamps == nullptr || blockIdx.x >= kTraceBlocks) return;
  unsigned long long value;
  if (stamp == kMultiprocessor) {
    uint32_t multiprocessor;
    asm volatile("mov.u32 %0, %%smid;" : "=r"(multiprocessor));
    value = multiprocessor;
  } else {
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(value)::"memory");
  }
  trace_stamps[((flags >> 16) * kTraceBlocks + blockIdx.x) * kStamps + stamp] = value;
}
#define TRACE(flags, condition, stamp)              \
  do {                                              \
    if (condition) gemm_decode::trace(flags, stamp); \
  } while (0)
#else
#define TRACE(flags, condition, stamp)
#endif

}  // namespace gemm_decode
