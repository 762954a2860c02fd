// Operators of training on rows and whole tensors, each fp32 or bf16 in any place: computed in fp32, rounded once, to nearest even.
//
// A tensor is three arguments: address, type (0 fp32, 1 bf16), and whether its eights (eight neighbouring numbers of a row, or of the
// whole tensor) begin at multiples of 16 bytes. Sums have one order that follows from the shape.
//
// Bound: device memory, every number read and written once; the gradient of a norm of more than 768 columns reads x and dy twice, that of its weight once more.
#include "columns.cuh"
#include "embed.cuh"
#include "many.cuh"
#include "norm.cuh"
#include "pointwise.cuh"

#define TENSOR(name) void *name##_data, int name##_type, int name##_aligned
#define NUMBERS(name) train_rows::Numbers{name##_data, name##_type, name##_aligned}

// y = factor x, or y + factor x. Any grid, block 256.
extern "C" __global__ void __launch_bounds__(256) train_rows_combine(TENSOR(x), TENSOR(y), float factor, int add, long long count) {
  reduce::wait_for_predecessor();
  const train_rows::Numbers x = NUMBERS(x), y = NUMBERS(y);
  if (count % 8 == 0 && is_fast(x) && is_fast(y)) train_rows::combine(fast(x), fast(y), factor, add != 0, count);
  else train_rows::combine(x, y, factor, add != 0, count);
}

// y = y x. Any grid, block 256.
extern "C" __global__ void __launch_bounds__(256) train_rows_multiply(TENSOR(x), TENSOR(y), long long count) {
  reduce::wait_for_predecessor();
  const train_rows::Numbers x = NUMBERS(x), y = NUMBERS(y);
  if (count % 8 == 0 && is_fast(x) && is_fast(y)) train_rows::multiply(fast(x), fast(y), count);
  else train_rows::multiply(x, y, count);
}

// Tensors of a table (train_rows::Entry, ascending firsts), a piece of 32,768 numbers a block: grid as many as pieces, block 256.
// squares: fp64, one a block.
extern "C" __global__ void __launch_bounds__(train_rows::kPieceThreads) train_rows_squares(const void* table, int entries, double* squares) {
  reduce::wait_for_predecessor();
  const int block = static_cast<int>(blockIdx.x);
  train_rows::squares(train_rows::entry_of(static_cast<const train_rows::Entry*>(table), entries, block), block, squares);
}

extern "C" __global__ void __launch_bounds__(train_rows::kPieceThreads) train_rows_zeros(const void* table, int entries) {
  reduce::wait_for_predecessor();
  const int block = static_cast<int>(blockIdx.x);
  train_rows::zeros(train_rows::entry_of(static_cast<const train_rows::Entry*>(table), entries, block), block);
}

// Grid ceil(rows / 4), block 128: so too the next two.
extern "C" __global__ void __launch_bounds__(32 * train_rows::kRowWarps)
    train_rows_norm(TENSOR(x), TENSOR(weight), TENSOR(y), int rows, int columns, float epsilon) {
  using namespace train_rows;
  reduce::wait_for_predecessor();
  const int row = static_cast<int>(blockIdx.x) * kRowWarps + warp();
  if (row >= rows) return;
  const Numbers x = NUMBERS(x), weight = NUMBERS(weight), y = NUMBERS(y);
  if (!is_fast(x) || !is_fast(y)) norm_row(x, weight, y, row, columns, epsilon);
  else if (columns <= 256) norm_held<1>(fast(x), weight, fast(y), row, columns, epsilon);
  else if (columns <= 768) norm_held<3>(fast(x), weight, fast(y), row, columns, epsilon);
  else norm_row(fast(x), weight, fast(y), row, columns, epsilon);
}

// Adds to dx; roots [rows] fp32 are left for train_rows_norm_sums.
extern "C" __global__ void __launch_bounds__(32 * train_rows::kRowWarps)
    train_rows_norm_gradient(TENSOR(x), TENSOR(weight), TENSOR(dy), TENSOR(dx), float* roots, int rows, int columns, float epsilon) {
  using namespace train_rows;
  reduce::wait_for_predecessor();
  const int row = static_cast<int>(blockIdx.x) * kRowWarps + warp();
  if (row >= rows) return;
  const Numbers x = NUMBERS(x), weight = NUMBERS(weight), dy = NUMBERS(dy), dx = NUMBERS(dx);
  if (!is_fast(x) || !is_fast(dy) || !is_fast(dx)) norm_gradient_row(x, weight, dy, dx, roots, row, columns, epsilon);
  else if (columns <= 768) norm_gradient_held<3>(fast(x), weight, fast(dy), fast(dx), roots, row, columns, epsilon);
  else norm_gradient_row(fast(x), weight, fast(dy), fast(dx), roots, row, columns, epsilon);
}

extern "C" __global__ void __launch_bounds__(32 * train_rows::kRowWarps)
    train_rows_relative_error(TENSOR(y), TENSOR(target), float factor, float weight, TENSOR(losses), int rows, int columns) {
  reduce::wait_for_predecessor();
  const int row = static_cast<int>(blockIdx.x) * train_rows::kRowWarps + train_rows::warp();
  if (row < rows) train_rows::relative_error(NUMBERS(y), NUMBERS(target), factor, weight, NUMBERS(losses), row, columns);
}

// sums [grid y, columns] fp32. Grid (ceil(columns / 256), ceil(rows / 128)), block 256: so too the next.
extern "C" __global__ void __launch_bounds__(256)
    train_rows_norm_sums(TENSOR(dy), TENSOR(x), const float* roots, float* sums, int rows, int columns) {
  reduce::wait_for_predecessor();
  const train_rows::Numbers dy = NUMBERS(dy), x = NUMBERS(x);
  if (is_fast(dy) && is_fast(x)) train_rows::column_sums<true>(fast(dy), fast(x), roots, sums, rows, columns);
  else train_rows::column_sums<true>(dy, x, roots, sums, rows, columns);
}

extern "C" __global__ void __launch_bounds__(256) train_rows_sums(TENSOR(dy), float* sums, int rows, int columns) {
  reduce::wait_for_predecessor();
  const train_rows::Numbers dy = NUMBERS(dy);
  if (is_fast(dy)) train_rows::column_sums<false>(fast(dy), fast(dy), nullptr, sums, rows, columns);
  else train_rows::column_sums<false>(dy, dy, nullptr, sums, rows, columns);
}

// to [columns] grows by the sums of all parts. Grid ceil(columns / 32), block 1,024.
extern "C" __global__ void __launch_bounds__(32 * train_rows::kAddWarps) train_rows_add_sums(const float* sums, int parts, int columns, TENSOR(to)) {
  reduce::wait_for_predecessor();
  train_rows::add_sums(sums, parts, columns, NUMBERS(to));
}

// Kernels with an eight a thread: grid ceil(rows ceil(columns / 8) / 256), block 256.
#define EIGHT_OF_ROW                                                                                                   \
  const unsigned eight = blockIdx.x * 256u + threadIdx.x, of_row = (columns + 7u) / 8;                                 \
  const long long row = eight / of_row;                                                                                \
  const int c = 8 * static_cast<int>(eight % of_row);                                                                  \
  reduce::wait_for_predecessor();                                                                                      \
  if (row >= rows) return;

// gate_up [rows, 2 columns], y [rows, columns].
extern "C" __global__ void __launch_bounds__(256) train_rows_gate(TENSOR(gate_up), TENSOR(y), int rows, int columns) {
  EIGHT_OF_ROW
  const train_rows::Numbers gate_up = NUMBERS(gate_up), y = NUMBERS(y);
  if (is_fast(gate_up) && is_fast(y)) train_rows::gate(fast(gate_up), fast(y), row, c, columns);
  else train_rows::gate(gate_up, y, row, c, columns);
}

extern "C" __global__ void __launch_bounds__(256)
    train_rows_gate_gradient(TENSOR(gate_up), TENSOR(dy), TENSOR(d_gate_up), int rows, int columns) {
  EIGHT_OF_ROW
  const train_rows::Numbers gate_up = NUMBERS(gate_up), dy = NUMBERS(dy), d_gate_up = NUMBERS(d_gate_up);
  if (is_fast(gate_up) && is_fast(dy) && is_fast(d_gate_up)) {
    train_rows::gate_gradient(fast(gate_up), fast(dy), fast(d_gate_up), row, c, columns);
  } else {
    train_rows::gate_gradient(gate_up, dy, d_gate_up, row, c, columns);
  }
}

extern "C" __global__ void __launch_bounds__(256) train_rows_embed(TENSOR(table), const int* ids, TENSOR(hidden), int rows, int columns) {
  EIGHT_OF_ROW
  train_rows::embed(NUMBERS(table), ids, NUMBERS(hidden), row, c, columns);
}

// Rows of the table that occur, ascending: row id of `distinct` [rows] takes tokens order[begins[row]] to order[begins[row + 1] - 1].
extern "C" __global__ void __launch_bounds__(256)
    train_rows_embed_gradient(TENSOR(d_hidden), const int* order, const int* begins, const int* distinct, TENSOR(d_table), int rows,
                              int columns) {
  EIGHT_OF_ROW
  train_rows::embed_gradient(NUMBERS(d_hidden), order, begins[row], begins[row + 1], NUMBERS(d_table), distinct[row], c, columns);
}
