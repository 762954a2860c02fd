// Where a thread stands in a ring of stages in shared memory.
#pragma once

#include <cstdint>

namespace ring {

// A ring's position: the stage, and the parity of the phase that is waited for.
template <int kStages>
struct Ring {
  int stage = 0;
  uint32_t parity = 0;
  __device__ __forceinline__ void next() {
    if (++stage == kStages) {
      stage = 0;
      parity ^= 1;
    }
  }
};

}  // namespace ring
