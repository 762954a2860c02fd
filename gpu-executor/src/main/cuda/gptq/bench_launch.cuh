// The launches of a factor and of a weight, as CudaGptq makes them.
#pragma once

#include "bench.cuh"

namespace gptq_bench {

inline int up(int value, int multiple) { return (value + multiple - 1) / multiple * multiple; }
inline int tiles(int count, int tile) { return (count + tile - 1) / tile; }

template <typename Kernel>
void allow(Kernel kernel, int bytes) {
  CUDA_MUST(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes));
}

inline void allow_all() {
  allow(gptq_diagonal, gptq::kDiagonalBytes);
  allow(gptq_panel, gptq::kPanelBytes);
  allow(gptq_invert_solve, gptq::kSolveBytes);
  allow(gptq_round, gptq::kSolveRowsBytes);
}

// a becomes V; roots [stride] are for the kernels alone.
inline void factorize(float* a, float* roots, int stride, int* failed, cudaStream_t stream) {
  for (int begin = 0; begin < stride; begin += gptq::kBlock) {
    const int count = std::min(gptq::kBlock, stride - begin), rest = stride - begin - gptq::kBlock;
    gptq_diagonal<<<1, gptq::kThreads, gptq::kDiagonalBytes, stream>>>(a, roots, stride, begin, count, failed);
    LAUNCHED();
    if (rest <= 0) break;
    gptq_panel<<<tiles(rest, gptq::kColumns), gptq::kThreads, gptq::kPanelBytes, stream>>>(a, roots, stride, begin, failed);
    LAUNCHED();
    const int side = tiles(rest, outer::kTile);
    gptq_update<<<side * (side + 1) / 2, outer::kThreads, 0, stream>>>(a, stride, begin, failed);
    LAUNCHED();
  }
}

// V becomes U.
inline void invert(float* a, float* diagonal, int stride, cudaStream_t stream) {
  const dim3 grid(tiles(stride, 32), tiles(stride, 32));
  gptq_mirror<<<grid, gptq::kThreads, 0, stream>>>(a, diagonal, stride);
  LAUNCHED();
  for (int begin = (stride - 1) / gptq::kBlock * gptq::kBlock; begin >= 0; begin -= gptq::kBlock) {
    const int count = std::min(gptq::kBlock, stride - begin), rest = stride - begin - count;
    if (rest > 0) {
      gptq_invert_product<<<tiles(rest, outer::kTile), outer::kThreads, 0, stream>>>(a, stride, begin);
      LAUNCHED();
    }
    gptq_invert_solve<<<tiles(stride - begin, gptq::kColumns), gptq::kThreads, gptq::kSolveBytes, stream>>>(a, diagonal, stride, begin, count);
    LAUNCHED();
  }
  gptq_reverse<<<grid, gptq::kThreads, 0, stream>>>(a, stride);
  LAUNCHED();
}

inline void arrange(float* a, const float* h, const int* order, const float* diagonal, int k, int stride, cudaStream_t stream) {
  const dim3 grid(tiles(stride, 32), tiles(stride, 32));
  gptq_arrange<<<grid, gptq::kThreads, 0, stream>>>(a, h, order, diagonal, k, stride);
  LAUNCHED();
}

// A weight on the device.
struct Weight {
  int rows, k, pitch, groups, type;
  bench::Device<unsigned char> stored, dead, skip;
  bench::Device<float> work, errors, operand, dequantize, zero_point, losses, steps;
  bench::Device<int> order, group;
  bench::Device<unsigned long long> clipped;

  Weight(int rows, int k, int groups, int type, const std::vector<unsigned char>& stored, const std::vector<int>& order)
      : rows(rows), k(k), pitch(up(rows, gptq::kRows)), groups(groups), type(type), stored(stored),
        dead(std::vector<unsigned char>(k)), skip(std::vector<unsigned char>(rows)), work(static_cast<size_t>(k) * pitch),
        errors(static_cast<size_t>(gptq::kBlock) * pitch), operand(static_cast<size_t>(groups) * pitch),
        dequantize(static_cast<size_t>(groups) * pitch), zero_point(static_cast<size_t>(groups) * pitch), losses(pitch),
        steps(static_cast<size_t>(rows) * k), order(order), group(k), clipped(1) {}
};

inline void solve(Weight& w, const gptq::Rule& rule, const float* u, int stride, cudaStream_t stream) {
  CUDA_MUST(cudaMemsetAsync(w.losses.data(), 0, w.losses.bytes(), stream));
  CUDA_MUST(cudaMemsetAsync(w.clipped.data(), 0, w.clipped.bytes(), stream));
  const dim3 grid(tiles(w.k, 32), w.pitch / 32);
  gptq_load<<<grid, gptq::kThreads, 0, stream>>>(w.work.data(), w.stored.data(), w.type, w.order.data(), w.dead.data(), w.skip.data(),
                                                 w.rows, w.k, w.pitch);
  LAUNCHED();
  for (int begin = 0; begin < w.k; begin += gptq::kBlock) {
    const int count = std::min(gptq::kBlock, w.k - begin), rest = w.k - begin - gptq::kBlock;
    gptq_round<<<w.pitch / 32, gptq::kThreads, gptq::kSolveRowsBytes, stream>>>(
        w.work.data(), w.errors.data(), u, stride, begin, count, w.operand.data(), w.dequantize.data(), w.zero_point.data(), w.group.data(),
        w.losses.data(), w.clipped.data(), w.rows, w.pitch, rule.codes, rule.type, rule.smallest, rule.largest, rule.clipped_below,
        rule.clipped_above);
    LAUNCHED();
    if (u != nullptr && rest > 0) {
      const dim3 tail(tiles(w.pitch, outer::kTile), tiles(rest, outer::kTile));
      gptq_pass_on<<<tail, outer::kThreads, 0, stream>>>(w.work.data(), w.errors.data(), u, stride, begin, w.k, w.pitch);
      LAUNCHED();
    }
  }
  gptq_store<<<grid, gptq::kThreads, 0, stream>>>(w.steps.data(), w.work.data(), w.order.data(), w.rows, w.k, w.pitch);
  LAUNCHED();
}

}  // namespace gptq_bench
