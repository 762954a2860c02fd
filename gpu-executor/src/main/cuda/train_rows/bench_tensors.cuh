// Tensors of the bench of train_rows.
#pragma once

#include "bench.cuh"

namespace {

// A matrix of random numbers on the device, fp32 or bf16, and what they are in double.
struct Tensor {
  int rows, columns, is_bf16;
  bench::Device<uint8_t> bytes;

  Tensor(int r, int c, int bf16) : rows(r), columns(c), is_bf16(bf16), bytes(static_cast<size_t>(r) * c * (bf16 ? 2 : 4)) {}

  Tensor(int r, int c, int bf16, const std::vector<double>& values) : Tensor(r, c, bf16) {
    if (bf16) {
      std::vector<__nv_bfloat16> all(values.size());
      for (size_t i = 0; i < all.size(); i++) all[i] = __float2bfloat16_rn(static_cast<float>(values[i]));
      CUDA_MUST(cudaMemcpy(bytes.data(), all.data(), bytes.size(), cudaMemcpyHostToDevice));
    } else {
      std::vector<float> all(values.begin(), values.end());
      CUDA_MUST(cudaMemcpy(bytes.data(), all.data(), bytes.size(), cudaMemcpyHostToDevice));
    }
  }

  static Tensor random(int r, int c, int bf16, uint64_t seed) {
    bench::Random random(seed);
    std::vector<double> values(static_cast<size_t>(r) * c);
    for (double& value : values) value = random.normal();
    return Tensor(r, c, bf16, values);
  }

  void* data() const { return bytes.data(); }
  int aligned() const { return columns % 8 == 0; }
  long long count() const { return static_cast<long long>(rows) * columns; }

  std::vector<double> host() const {
    CUDA_MUST(cudaDeviceSynchronize());
    const std::vector<uint8_t> raw = bytes.host();
    std::vector<double> values(count());
    for (size_t i = 0; i < values.size(); i++) {
      values[i] = is_bf16 ? static_cast<double>(__bfloat162float(reinterpret_cast<const __nv_bfloat16*>(raw.data())[i]))
                          : static_cast<double>(reinterpret_cast<const float*>(raw.data())[i]);
    }
    return values;
  }
};

#define OF(t) (t).data(), (t).is_bf16, (t).aligned()

// Largest error where the largest number is 1; NaN where anything is NaN.
double error(const std::vector<double>& found, const std::vector<double>& wanted) {
  double largest = 0, worst = 0;
  for (double one : wanted) largest = std::max(largest, std::abs(one));
  if (largest == 0) largest = 1;
  for (size_t i = 0; i < wanted.size(); i++) {
    const double off = std::abs(found[i] - wanted[i]) / largest;
    if (!(off <= worst)) worst = off;
    if (std::isnan(off)) return off;
  }
  return worst;
}

}  // namespace
