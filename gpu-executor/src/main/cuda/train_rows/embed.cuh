// Rows of a table by token, and their gradient.
#pragma once

#include "numbers8.cuh"

namespace train_rows {

// An eight a thread.
__device__ __forceinline__ void embed(const Numbers& table, const int* ids, const Numbers& hidden, long long row, int c, int columns) {
  const int count = min(8, columns - c);
  Eight v;
  table.load(static_cast<long long>(ids[row]) * columns + c, count, v);
  hidden.store(row * columns + c, count, v);
}

// Adds rows of d_hidden to the row of their token: of tokens order[begin] to order[end - 1], in this order.
__device__ __forceinline__ void embed_gradient(const Numbers& d_hidden, const int* order, int begin, int end, const Numbers& d_table,
                                               long long id, int c, int columns) {
  constexpr int kAhead = 8;
  const int count = min(8, columns - c);
  Eight sum = {};
  for (int i = begin; i < end; i += kAhead) {
    Eight v[kAhead];
#pragma unroll
    for (int k = 0; k < kAhead; k++) {
      if (i + k < end) d_hidden.load(static_cast<long long>(order[i + k]) * columns + c, count, v[k]);
    }
#pragma unroll
    for (int k = 0; k < kAhead; k++) {
#pragma unroll
      for (int j = 0; j < 8; j++) sum[j] += i + k < end ? v[k][j] : 0.0f;
    }
  }
  Eight before;
  d_table.load(id * columns + c, count, before);
#pragma unroll
  for (int j = 0; j < 8; j++) sum[j] += before[j];
  d_table.store(id * columns + c, count, sum);
}

}  // namespace train_rows
