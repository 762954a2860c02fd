// Operators of training on rows and whole tensors, each fp32 or bf16 in any place: computed in fp32, rounded once, to nearest even.
//
// A tensor is three arguments: address, type (0 fp32, 1 bf16), and whether its eights (eight neighbouring numbers of a row, or of the
// whole tensor) begin at multiples of 16 bytes. Sums have one order that follows from the shape.
//
// Bound: device memory, every number read and written once; the gradient of a norm reads x and dy twice.
#include "columns.cuh"
#include "embed.cuh"
#include "norm.cuh"
#include "pointwise.cuh"

#define TENSOR(name) void *name##_data, int name##_type, int name##_aligned
#define NUMBERS(name) train_rows::Numbers{name##_data, name##_type, name##_aligned}

// y = factor x, or y + factor x. Any grid, block 256.
extern "C" __global__ void __launch_bounds__(256) train_rows_combine(TENSOR(x), TENSOR(y), float factor, int add, long long count) {
  reduce::wait_for_predecessor();
  train_rows::combine(NUMBERS(x), NUMBERS(y), factor, add != 0, count);
}

// Grid ceil(count / 32,768), block 256; squares: fp64, one a block.
extern "C" __global__ void __launch_bounds__(256) train_rows_squares(TENSOR(x), long long count, double* squares) {
  reduce::wait_for_predecessor();
  train_rows::squares(NUMBERS(x), count, squares);
}

// Grid ceil(rows / 4), block 128: so too the next two.
extern "C" __global__ void __launch_bounds__(32 * train_rows::kRowWarps)
    train_rows_norm(TENSOR(x), TENSOR(weight), TENSOR(y), int rows, int columns, float epsilon) {
  reduce::wait_for_predecessor();
  const int row = static_cast<int>(blockIdx.x) * train_rows::kRowWarps + train_rows::warp();
  if (row < rows) train_rows::norm_row(NUMBERS(x), NUMBERS(weight), NUMBERS(y), row, columns, epsilon);
}

// Adds to dx; roots [rows] fp32 are left for train_rows_norm_sums.
extern "C" __global__ void __launch_bounds__(32 * train_rows::kRowWarps)
    train_rows_norm_gradient(TENSOR(x), TENSOR(weight), TENSOR(dy), TENSOR(dx), float* roots, int rows, int columns, float epsilon) {
  reduce::wait_for_predecessor();
  const int row = static_cast<int>(blockIdx.x) * train_rows::kRowWarps + train_rows::warp();
  if (row < rows) train_rows::norm_gradient_row(NUMBERS(x), NUMBERS(weight), NUMBERS(dy), NUMBERS(dx), roots, row, columns, epsilon);
}

extern "C" __global__ void __launch_bounds__(32 * train_rows::kRowWarps)
    train_rows_squared_error(TENSOR(y), TENSOR(target), float weight, TENSOR(losses), int rows, int columns) {
  reduce::wait_for_predecessor();
  const int row = static_cast<int>(blockIdx.x) * train_rows::kRowWarps + train_rows::warp();
  if (row < rows) train_rows::squared_error(NUMBERS(y), NUMBERS(target), weight, NUMBERS(losses), row, columns);
}

// sums [grid y, columns] fp32. Grid (ceil(columns / 256), ceil(rows / 128)), block 256: so too the next.
extern "C" __global__ void __launch_bounds__(256)
    train_rows_norm_sums(TENSOR(dy), TENSOR(x), const float* roots, float* sums, int rows, int columns) {
  reduce::wait_for_predecessor();
  train_rows::column_sums<true>(NUMBERS(dy), NUMBERS(x), roots, sums, rows, columns);
}

extern "C" __global__ void __launch_bounds__(256) train_rows_sums(TENSOR(dy), float* sums, int rows, int columns) {
  reduce::wait_for_predecessor();
  train_rows::column_sums<false>(NUMBERS(dy), {}, nullptr, sums, rows, columns);
}

// to [columns] grows by the sums of all parts. Grid ceil(columns / 32), block 256.
extern "C" __global__ void __launch_bounds__(256) train_rows_add_sums(const float* sums, int parts, int columns, TENSOR(to)) {
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
  train_rows::gate(NUMBERS(gate_up), NUMBERS(y), row, c, columns);
}

extern "C" __global__ void __launch_bounds__(256)
    train_rows_gate_gradient(TENSOR(gate_up), TENSOR(dy), TENSOR(d_gate_up), int rows, int columns) {
  EIGHT_OF_ROW
  train_rows::gate_gradient(NUMBERS(gate_up), NUMBERS(dy), NUMBERS(d_gate_up), row, c, columns);
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
