// Which tile width the launcher takes for fp8, 192 or 128: host code. Both give the same bits, so that M may decide.
#pragma once

namespace gemm_prefill {

// A wave of 128-wide tiles costs, in columns of a 192-wide tile: it reads more shared memory a product, and with block scales it
// has fewer products between two fp32 sums. Measured on an H100 at 4096x8192x8192 and 2048x4096x14336: 1.10 and 1.11 times its
// columns, with block scales 1.28 and 1.30.
constexpr int kCostOf128 = 141, kCostOf128Blocks = 166;

inline int columns_for(int m, int n, bool block_scales, int multiprocessors) {
  const int clusters = multiprocessors / 2, pairs = (m + 255) / 256;
  const auto waves = [&](int columns) { return (pairs * ((n + columns - 1) / columns) + clusters - 1) / clusters; };
  return waves(128) * (block_scales ? kCostOf128Blocks : kCostOf128) < waves(192) * 192 ? 128 : 192;
}

}  // namespace gemm_prefill
