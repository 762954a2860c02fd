// Matrices and their fp8 codes in the bench of train_float8, launches, and the same on the host.
#pragma once

#include <limits>
#include <type_traits>

#include "bench.cuh"

namespace {

using Bf16 = __nv_bfloat16;

enum class Rule { kTensor, kRows };
enum class Codes { kE4m3, kE5m2 };

inline const char* name(Rule rule) { return rule == Rule::kTensor ? "tensor" : "rows"; }
inline const char* name(Codes codes) { return codes == Codes::kE4m3 ? "e4m3" : "e5m2"; }
inline int ceil_div(int a, int b) { return (a + b - 1) / b; }

inline int multiprocessors() {
  int count;
  CUDA_MUST(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, 0));
  return count;
}

// About normal numbers that follow from seed and place, times 2^-20 .. 2^20 by row and column where `spread`.
template <typename T>
__global__ void fill(T* to, int rows, int columns, uint64_t seed, bool spread) {
  const long long count = static_cast<long long>(rows) * columns, step = gridDim.x * static_cast<long long>(blockDim.x);
  for (long long i = blockIdx.x * static_cast<long long>(blockDim.x) + threadIdx.x; i < count; i += step) {
    uint64_t z = (i + 1) * 0x9E3779B97F4A7C15ull + seed * 0xD1B54A32D192ED03ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    z ^= z >> 31;
    const float sum = static_cast<float>(z & 0xFFFF) + static_cast<float>(z >> 16 & 0xFFFF) + static_cast<float>(z >> 32 & 0xFFFF);
    const int row = static_cast<int>(i / columns), column = static_cast<int>(i % columns);
    const float by = spread ? ldexpf(1.0f, row * 7 % 21 - 10 + column * 5 % 21 - 10) : 1.0f;
    to[i] = static_cast<T>((sum - 98302.5f) / 32768 * by);
  }
}

template <typename T>
struct Matrix {
  int rows, columns;
  bench::Device<T> data;

  Matrix(int r, int c, uint64_t seed, bool spread = false) : rows(r), columns(c), data(static_cast<size_t>(r) * c) {
    fill<<<1024, 256>>>(data.data(), r, c, seed, spread);
    LAUNCHED();
  }
  Matrix(int r, int c, const std::vector<T>& values) : rows(r), columns(c), data(values) {}
  static constexpr int type() { return std::is_same<T, float>::value ? 0 : 1; }
};

template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, int block, int bytes, cudaStream_t stream, Arguments... arguments) {
  if (bytes > 0) CUDA_MUST(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes));
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = dim3(block);
  config.dynamicSmemBytes = bytes;
  config.stream = stream;
  cudaLaunchAttribute attribute{};
  attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  attribute.val.programmaticStreamSerializationAllowed = 1;
  config.attrs = &attribute;
  config.numAttrs = 1;
  CUDA_MUST(cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...));
  LAUNCHED();
}

// What a matrix becomes.
struct Quantized {
  int rows, columns;
  Codes codes;
  Rule rule;
  bench::Device<uint32_t> amax;
  bench::Device<float> scales;
  bench::Device<uint8_t> by_rows, by_columns;

  Quantized(int r, int c, Codes codes_, Rule rule_)
      : rows(r), columns(c), codes(codes_), rule(rule_), amax(places()), scales(places()), by_rows(tile_bytes()), by_columns(tile_bytes()) {}
  size_t places() const { return rule == Rule::kTensor ? 1 : static_cast<size_t>(rows) + columns; }
  size_t tile_bytes() const { return static_cast<size_t>(ceil_div(rows, 128)) * ceil_div(columns, 128) * 16384; }
  int stride() const { return rule == Rule::kTensor ? 0 : 1; }
  const float* scales_of_rows() const { return scales.data(); }
  const float* scales_of_columns() const { return rule == Rule::kTensor ? scales.data() : scales.data() + rows; }
  bool guards_hold() const { return amax.guards_hold() && scales.guards_hold() && by_rows.guards_hold() && by_columns.guards_hold(); }

  template <typename T>
  void find_amax(const Matrix<T>& x, cudaStream_t stream) {
    CUDA_MUST(cudaMemsetAsync(amax.data(), 0, amax.bytes(), stream));
    const dim3 grid(ceil_div(columns, 256), ceil_div(rows, 128));
    if (rule == Rule::kTensor) {
      launch(train_float8_amax_tensor, grid, 256, 0, stream, x.data.data(), x.type(), rows, columns, amax.data());
    } else {
      launch(train_float8_amax_rows, grid, 256, 0, stream, x.data.data(), x.type(), rows, columns, amax.data(), amax.data() + rows);
    }
  }

  template <typename T>
  void cast(const Matrix<T>& x, cudaStream_t stream) {
    const auto kernel = [this] {
      const bool e4m3 = codes == Codes::kE4m3, tensor = rule == Rule::kTensor;
      if constexpr (std::is_same<T, float>::value) {
        return e4m3 ? (tensor ? train_float8_cast_e4m3_tensor_fp32 : train_float8_cast_e4m3_rows_fp32)
                    : (tensor ? train_float8_cast_e5m2_tensor_fp32 : train_float8_cast_e5m2_rows_fp32);
      } else {
        return e4m3 ? (tensor ? train_float8_cast_e4m3_tensor_bf16 : train_float8_cast_e4m3_rows_bf16)
                    : (tensor ? train_float8_cast_e5m2_tensor_bf16 : train_float8_cast_e5m2_rows_bf16);
      }
    }();
    launch(kernel, dim3(ceil_div(columns, 128), ceil_div(rows, 128)), 256, 0, stream, x.data.data(), rows, columns, amax.data(),
           amax.data() + (rule == Rule::kTensor ? 0 : rows), by_rows.data(), by_columns.data(), scales.data(),
           scales.data() + (rule == Rule::kTensor ? 0 : rows));
  }

  template <typename T>
  void make(const Matrix<T>& x, cudaStream_t stream) {
    find_amax(x, stream);
    cast(x, stream);
  }
};

// The same on the host: plain loops, a multiplier in double.
struct HostQuantized {
  int rows, columns;
  std::vector<float> scales;
  std::vector<uint8_t> by_rows, by_columns;   // tiled

  static size_t place(int row, int column, int columns) {
    const size_t tile = static_cast<size_t>(row / 128) * ceil_div(columns, 128) + column / 128;
    return tile * 16384 + row % 128 * 128 + ((column / 16 % 8) ^ (row % 8)) * 16 + column % 16;
  }

  static float larger(float most, float x) { return std::isnan(most) || std::isnan(x) ? NAN : std::max(most, std::fabs(x)); }

  static float multiplier(float amax, Codes codes) {
    const double largest = codes == Codes::kE4m3 ? 448 : 57344, least = 1e-12f;
    return static_cast<float>(largest / (amax < least ? least : static_cast<double>(amax)));
  }

  static uint8_t code(float x, Codes codes) { return codes == Codes::kE4m3 ? numbers::float_to_e4m3(x) : numbers::float_to_e5m2(x); }

  template <typename T>
  HostQuantized(const Matrix<T>& from, Codes codes, Rule rule) : rows(from.rows), columns(from.columns) {
    const size_t bytes = static_cast<size_t>(ceil_div(rows, 128)) * ceil_div(columns, 128) * 16384;
    by_rows.resize(bytes);
    by_columns.resize(bytes);
    const std::vector<T> x = from.data.host();
    const bool by_row = rule == Rule::kRows;
    std::vector<float> of_rows(by_row ? rows : 1), of_columns(by_row ? columns : 1);
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        const float value = static_cast<float>(x[static_cast<size_t>(r) * columns + c]);
        float& row = of_rows[by_row ? r : 0];
        float& column = of_columns[by_row ? c : 0];
        row = larger(row, value);
        column = larger(column, value);
      }
    }
    for (std::vector<float>* all : {&of_rows, &of_columns}) {
      for (float& amax : *all) amax = multiplier(amax, codes);
    }
    for (float by : of_rows) scales.push_back(1.0f / by);
    if (by_row) {
      for (float by : of_columns) scales.push_back(1.0f / by);
    }
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        const float value = static_cast<float>(x[static_cast<size_t>(r) * columns + c]);
        by_rows[place(r, c, columns)] = code(value * of_rows[by_row ? r : 0], codes);
        by_columns[place(c, r, rows)] = code(value * of_columns[by_row ? c : 0], codes);
      }
    }
  }
};

// ---- products ----

// a [m, depth] of e5m2, or e4m3 for the product; b [n, depth] of e4m3; both tiled.
struct Operand {
  const uint8_t* codes;
  const float* scales;
  int rows, depth;
};
inline Operand of_rows(const Quantized& q) { return {q.by_rows.data(), q.scales_of_rows(), q.rows, q.columns}; }
inline Operand of_columns(const Quantized& q) { return {q.by_columns.data(), q.scales_of_columns(), q.columns, q.rows}; }

// gemm_prefill's own kernel, of which its bench knows more.
extern "C" __global__ void CLUSTER_OF(2) __launch_bounds__(gemm_prefill::kThreads, 1)
    product_n192(const uint8_t* a, const uint8_t* b, const float* a_scales, const float* b_scales, int stride, void* y, int m, int n,
                 int depth_blocks, int y_type) {
  using C = gemm_prefill::Config<gemm_prefill::E4m3, 192, 4, false>;
  HOPPER_BODY(gemm_prefill::gemm<C>(
      {a, b, {y, nullptr, a_scales, b_scales, stride, stride, m, n, y_type, nullptr}, depth_blocks, gemm_prefill::kRows}))
}

enum class Kind { kProduct, kInput, kWeight };

inline int columns_of(Kind kind, int m, int n) {
  return kind == Kind::kProduct ? 192 : gemm_prefill::columns_for(m, n, false, multiprocessors());
}

inline void multiply(Kind kind, int width, const Operand& a, const Operand& b, int stride, void* y, int y_type, cudaStream_t stream) {
  const auto kernel = kind == Kind::kProduct ? product_n192
                      : kind == Kind::kInput ? (width == 192 ? train_float8_input_n192 : train_float8_input_n128)
                                             : (width == 192 ? train_float8_weight_n192 : train_float8_weight_n128);
  const int tiles = ceil_div(a.rows, 256) * ceil_div(b.rows, width);
  launch(kernel, dim3(2 * std::min(tiles, multiprocessors() / 2)), 384, 232448, stream, a.codes, b.codes, a.scales, b.scales, stride, y,
         a.rows, b.rows, ceil_div(a.depth, 128), y_type);
}

}  // namespace
