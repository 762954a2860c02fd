// Lets g++ read headers of kernels for their host functions: the words of CUDA that stand in them mean nothing here.
#pragma once

#include <algorithm>
#include <cstdint>

#define __host__
#define __device__
#define __forceinline__ inline

struct Place {
  int x, y, z;
};
static const Place threadIdx{}, blockIdx{}, blockDim{}, gridDim{};

struct uint4 {
  uint32_t x, y, z, w;
};

using std::max;
using std::min;
