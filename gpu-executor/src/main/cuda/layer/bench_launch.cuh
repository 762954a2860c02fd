// What the benches of the layer's operators share beside bench.cuh: launches that may overlap, random bf16 data.
#pragma once

#include <cuda_bf16.h>

#include "bench.cuh"
#include "numbers.cuh"

namespace bench {

// Launches with the attribute that lets this kernel start before the one in front of it has ended.
template <class... Parameters, class... Arguments>
void launch(cudaStream_t stream, void (*kernel)(Parameters...), dim3 grid, int block, size_t shared, Arguments... arguments) {
  cudaLaunchAttribute attribute = {};
  attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  attribute.val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t configuration = {};
  configuration.gridDim = grid;
  configuration.blockDim = dim3(block);
  configuration.dynamicSmemBytes = shared;
  configuration.stream = stream;
  configuration.attrs = &attribute;
  configuration.numAttrs = 1;
  CUDA_MUST(cudaLaunchKernelEx(&configuration, kernel, static_cast<Parameters>(arguments)...));
}

inline __nv_bfloat16 bf16_of(double value) { return __ushort_as_bfloat16(numbers::float_to_bf16(static_cast<float>(value))); }

inline double to_double(__nv_bfloat16 value) { return numbers::bf16_to_float(__bfloat16_as_ushort(value)); }
inline double to_double(float value) { return value; }

inline double rounded(double value) { return to_double(bf16_of(value)); }

inline std::vector<__nv_bfloat16> random_bf16(size_t count, Random& random, double spread = 1.0) {
  std::vector<__nv_bfloat16> values(count);
  for (auto& value : values) value = bf16_of(spread * random.normal());
  return values;
}

template <class T>
std::vector<double> doubles(const std::vector<T>& values) {
  std::vector<double> result(values.size());
  for (size_t i = 0; i < values.size(); i++) result[i] = to_double(values[i]);
  return result;
}

// Fills memory with numbers that differ everywhere, for timing: bf16 between 2^-4 and 2 of either sign.
__global__ void fill_numbers(uint32_t* words, size_t count, uint32_t keep, uint32_t set) {
  for (size_t i = blockIdx.x * static_cast<size_t>(blockDim.x) + threadIdx.x; i < count; i += gridDim.x * static_cast<size_t>(blockDim.x)) {
    uint32_t z = static_cast<uint32_t>(i) * 0x9E3779B9u + 0x7F4A7C15u;
    z = (z ^ (z >> 16)) * 0x85EBCA6Bu;
    z = (z ^ (z >> 13)) * 0xC2B2AE35u;
    words[i] = ((z ^ (z >> 16)) & keep) | set;
  }
}

inline void fill_bf16(void* data, size_t bytes) {
  fill_numbers<<<1024, 256>>>(static_cast<uint32_t*>(data), bytes / 4, 0x81FF81FFu, 0x3E003E00u);
  LAUNCHED();
}

// int8 of any value, or e4m3fn below 2.
inline void fill_codes(void* data, size_t bytes, bool is_fp8) {
  fill_numbers<<<1024, 256>>>(static_cast<uint32_t*>(data), bytes / 4, is_fp8 ? 0xBFBFBFBFu : 0xFFFFFFFFu, 0);
  LAUNCHED();
}

}  // namespace bench
