// Checks the kernels of rows against plain loops on the host, to the bit, then times them on rows of Llama-3.1 8B.
#include "rows.cu"

#include <cstring>

#include "bench.cuh"

namespace {

using Bits = std::vector<uint16_t>;

float from_bf16(uint16_t bits) {
  const uint32_t word = static_cast<uint32_t>(bits) << 16;
  float value;
  std::memcpy(&value, &word, 4);
  return value;
}

// To nearest, ties to even.
uint16_t to_bf16(float value) {
  uint32_t word;
  std::memcpy(&word, &value, 4);
  if (std::isnan(value)) return 0x7FFF;
  return static_cast<uint16_t>((word + 0x7FFF + (word >> 16 & 1)) >> 16);
}

Bits random_bf16(size_t count, uint64_t seed, float factor = 1) {
  bench::Random random(seed);
  Bits bits(count);
  for (uint16_t& value : bits) value = to_bf16(random.normal() * factor);
  return bits;
}

std::vector<uint8_t> random_bytes(size_t count, uint64_t seed) {
  bench::Random random(seed);
  std::vector<uint8_t> bytes(count);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.bits() >> 56);
  return bytes;
}

std::vector<float> random_floats(size_t count, uint64_t seed) {
  bench::Random random(seed);
  std::vector<float> values(count);
  for (float& value : values) value = random.normal();
  return values;
}

const __nv_bfloat16* bf16(const bench::Device<uint16_t>& buffer) { return reinterpret_cast<const __nv_bfloat16*>(buffer.data()); }
__nv_bfloat16* bf16(bench::Device<uint16_t>& buffer) { return reinterpret_cast<__nv_bfloat16*>(buffer.data()); }

void done() {
  LAUNCHED();
  CUDA_MUST(cudaDeviceSynchronize());
}

void check_place(bench::Checks& checks, int rows, int columns, int x_stride, int y_stride, int width) {
  const Bits source = random_bf16(static_cast<size_t>(rows) * x_stride, 1);
  const bench::Device<uint16_t> x(source);
  const bench::Device<uint16_t> y(static_cast<size_t>(rows) * y_stride);
  rows_place<<<dim3((width + 255) / 256, std::min(rows, 65535)), rows::kThreads>>>(x.data(), y.data(), rows, columns, x_stride, y_stride, width);
  done();
  Bits expected(y.size(), 0xFFFF);
  for (int r = 0; r < rows; r++) {
    for (int i = 0; i < width; i++) expected[static_cast<size_t>(r) * y_stride + i] = i < columns ? source[static_cast<size_t>(r) * x_stride + i] : 0;
  }
  checks.same("place_" + std::to_string(rows) + "x" + std::to_string(width), y.host(), expected, y.guards_hold());
}

// The code whose number is nearest, of two the even one; numbers from their definition.
uint8_t nearest_e4m3(float value) {
  if (std::isnan(value)) return 0x7F;
  int best = 0;
  double least = INFINITY;
  for (int code = 0; code < 0x7F; code++) {
    const int exponent = code >> 3, mantissa = code & 7;
    const double number = exponent == 0 ? std::ldexp(mantissa, -9) : std::ldexp(8 + mantissa, exponent - 10);
    const double distance = std::abs(number - std::abs(static_cast<double>(value)));
    if (distance < least || (distance == least && code % 2 == 0)) {
      least = distance;
      best = code;
    }
  }
  return static_cast<uint8_t>(best | (std::signbit(value) ? 0x80 : 0));
}

void check_static_codes(bench::Checks& checks, int vectors, float scale) {
  Bits source = random_bf16(8 * static_cast<size_t>(vectors), 2, 30);
  source[0] = to_bf16(0.0f);
  source[1] = to_bf16(-1e30f);
  source[2] = to_bf16(448 * scale);
  const bench::Device<uint16_t> x(source);
  const bench::Device<uint8_t> codes(source.size());
  rows_static_e4m3<<<(vectors + 255) / 256, rows::kThreads>>>(bf16(x), reinterpret_cast<uint2*>(codes.data()), scale, vectors);
  done();
  std::vector<uint8_t> expected;
  for (uint16_t bits : source) expected.push_back(nearest_e4m3(from_bf16(to_bf16(from_bf16(bits) / scale))));
  checks.same("static_e4m3_" + std::to_string(vectors), codes.host(), expected, codes.guards_hold());
}

void check_int8(bench::Checks& checks, int vectors) {
  const std::vector<uint8_t> source = random_bytes(8 * static_cast<size_t>(vectors), 3);
  const bench::Device<uint8_t> codes(source);
  bench::Device<uint16_t> y(source.size());
  rows_int8_to_bf16<<<(vectors + 255) / 256, rows::kThreads>>>(reinterpret_cast<const uint2*>(codes.data()), bf16(y), vectors);
  done();
  Bits expected;
  for (uint8_t code : source) expected.push_back(to_bf16(static_cast<int8_t>(code)));
  checks.same("int8_to_bf16_" + std::to_string(vectors), y.host(), expected, y.guards_hold());
}

// One rounding a step: the compiler must not fuse them.
float multiply(float a, float b) {
  volatile float product = a * b;
  return product;
}

void check_scale(bench::Checks& checks, int rows, int columns, bool with_bias, bool with_residual) {
  const size_t count = static_cast<size_t>(rows) * columns;
  const std::vector<float> source = random_floats(count, 4), scales = random_floats(rows, 5), bias = random_floats(columns, 6);
  const Bits residual = random_bf16(count, 7);
  const bench::Device<float> x(source), by_row(scales), added(bias), y_fp32(count);
  const bench::Device<uint16_t> other(residual);
  bench::Device<uint16_t> y(count);
  const dim3 grid((columns / 8 + 255) / 256, std::min(rows, 65535));
  const float* bias_or_null = with_bias ? added.data() : nullptr;
  rows_scale_bf16<<<grid, rows::kThreads>>>(x.data(), by_row.data(), bias_or_null, with_residual ? bf16(other) : nullptr, bf16(y), rows, columns);
  rows_scale_fp32<<<grid, rows::kThreads>>>(x.data(), by_row.data(), bias_or_null, y_fp32.data(), rows, columns);
  done();
  Bits expected;
  std::vector<float> expected_fp32;
  for (size_t i = 0; i < count; i++) {
    float value = multiply(source[i], scales[i / columns]);
    if (with_bias) value += bias[i % columns];
    expected_fp32.push_back(value);
    if (with_residual) value += from_bf16(residual[i]);
    expected.push_back(to_bf16(value));
  }
  const std::string name = "scale_" + std::to_string(rows) + "x" + std::to_string(columns);
  checks.same(name + "_bf16", y.host(), expected, y.guards_hold());
  checks.same(name + "_fp32", y_fp32.host(), expected_fp32, y_fp32.guards_hold());
}

// Codes and scales of a table, by loops.
struct Int4Table {
  std::vector<uint32_t> codes;
  Bits scales;

  explicit Int4Table(const Bits& weights) : codes(weights.size() / 8, 0) {
    for (size_t group = 0; group < weights.size() / 128; group++) {
      float largest = 0;
      for (int i = 0; i < 128; i++) largest = std::max(largest, std::abs(from_bf16(weights[128 * group + i])));
      scales.push_back(largest == 0 ? to_bf16(0.0078125f) : to_bf16(largest / 7.5f));
      for (size_t i = 128 * group; i < 128 * group + 128; i++) {
        const float position = std::min(std::max(std::nearbyint(from_bf16(weights[i]) / from_bf16(scales.back())), -8.0f), 7.0f);
        codes[i / 8] |= static_cast<uint32_t>(static_cast<int>(position) + 8) << i % 8 * 4;
      }
    }
  }
};

const std::vector<int> kIds = {0, 7, 7, 3, -1, 129, 130, 64, 63, 2147483647};

void check_int4_table(bench::Checks& checks, int vocabulary, int k) {
  Bits weights = random_bf16(static_cast<size_t>(vocabulary) * k, 8);
  std::fill(weights.begin() + 128, weights.begin() + 256, 0);
  const Int4Table expected(weights);
  const long long groups = static_cast<long long>(weights.size() / 128);
  const bench::Device<uint16_t> source(weights);
  const bench::Device<uint32_t> codes(expected.codes.size());
  bench::Device<uint16_t> scales(expected.scales.size()), y(kIds.size() * k);
  rows_int4_groups<<<static_cast<unsigned>((groups + 7) / 8), rows::kThreads>>>(bf16(source), codes.data(), bf16(scales), groups);
  const bench::Device<int> ids(kIds);
  rows_of_int4<<<static_cast<unsigned>(kIds.size()), rows::kTableThreads>>>(codes.data(), bf16(scales), ids.data(), bf16(y), vocabulary, k);
  done();
  const std::string name = "int4_" + std::to_string(vocabulary) + "x" + std::to_string(k);
  checks.same(name + "_codes", codes.host(), expected.codes, codes.guards_hold());
  checks.same(name + "_scales", scales.host(), expected.scales, scales.guards_hold());
  Bits rows;
  for (int id : kIds) {
    for (int i = 0; i < k; i++) {
      const size_t at = static_cast<size_t>(id) * k + i;
      rows.push_back(id < 0 || id >= vocabulary ? 0x7FFF
                                                : to_bf16(multiply(static_cast<float>(static_cast<int>(expected.codes[at / 8] >> at % 8 * 4 & 15) - 8),
                                                                   from_bf16(expected.scales[at / 128]))));
    }
  }
  checks.same(name + "_rows", y.host(), rows, y.guards_hold());
}

// Rows of `row_bytes` as gemm_decode/layout.cuh says, zeros behind them; tile_rows 0: as they are.
std::vector<uint8_t> tiled(const std::vector<uint8_t>& rows, int count, int row_bytes, int tile_rows) {
  if (tile_rows == 0) return rows;
  const int blocks = (row_bytes + 127) / 128, tiles = (count + tile_rows - 1) / tile_rows;
  std::vector<uint8_t> to(static_cast<size_t>(tiles) * tile_rows * blocks * 128, 0);
  for (int row = 0; row < count; row++) {
    for (int byte = 0; byte < row_bytes; byte++) {
      const size_t block = static_cast<size_t>(row / tile_rows) * blocks + byte / 128;
      const int inside = row % tile_rows, piece = byte % 128 / 16;
      to[(block * tile_rows + inside) * 128 + (piece ^ inside % 8) * 16 + byte % 16] = rows[static_cast<size_t>(row) * row_bytes + byte];
    }
  }
  return to;
}

void check_tiles(bench::Checks& checks, int vocabulary, int k, int tile_rows) {
  const std::string name = "_" + std::to_string(vocabulary) + "x" + std::to_string(k) + "_tile" + std::to_string(tile_rows);
  const bench::Device<int> ids(kIds);
  const auto known = [&](int id) { return id >= 0 && id < vocabulary; };
  {
    const Bits weights = random_bf16(static_cast<size_t>(vocabulary) * k, 9);
    std::vector<uint8_t> bytes(2 * weights.size());
    std::memcpy(bytes.data(), weights.data(), bytes.size());
    const bench::Device<uint8_t> tiles(tiled(bytes, vocabulary, 2 * k, tile_rows));
    const bench::Device<uint16_t> y(kIds.size() * k);
    rows_of_tiles_bf16<<<static_cast<unsigned>(kIds.size()), rows::kTableThreads>>>(tiles.data(), ids.data(), reinterpret_cast<uint4*>(y.data()),
                                                                                  vocabulary, k, tile_rows);
    done();
    Bits expected;
    for (int id : kIds) {
      for (int i = 0; i < k; i++) expected.push_back(known(id) ? weights[static_cast<size_t>(id) * k + i] : 0x7FC0);
    }
    checks.same("of_tiles_bf16" + name, y.host(), expected, y.guards_hold());
  }
  const std::vector<uint8_t> codes = random_bytes(static_cast<size_t>(vocabulary) * k, 10);
  const std::vector<float> factors = random_floats(vocabulary, 11);
  const bench::Device<uint8_t> tiles(tiled(codes, vocabulary, k, tile_rows));
  const bench::Device<float> scales(factors);
  bench::Device<uint16_t> y(kIds.size() * k);
  rows_of_tiles_int8<<<static_cast<unsigned>(kIds.size()), rows::kTableThreads>>>(tiles.data(), scales.data(), ids.data(), bf16(y), vocabulary, k,
                                                                                tile_rows);
  done();
  Bits expected;
  for (int id : kIds) {
    for (int i = 0; i < k; i++) {
      expected.push_back(!known(id) ? 0x7FFF
                                    : to_bf16(multiply(static_cast<int8_t>(codes[static_cast<size_t>(id) * k + i]), factors[id])));
    }
  }
  checks.same("of_tiles_int8" + name, y.host(), expected, y.guards_hold());
}

// Sums of int4 products with int8 activations, and the rows of a prompt out of a table.
void time_all() {
  for (int m : {1, 16, 4096}) {
    const int n = 4096;
    const size_t count = static_cast<size_t>(m) * n;
    const bench::Device<float> x(random_floats(count, 12)), scales(random_floats(m, 13));
    const bench::Device<uint16_t> residual(random_bf16(count, 14));
    bench::Device<uint16_t> y(count);
    const double us = bench::median_us(20, [&](cudaStream_t stream, int) {
      rows_scale_bf16<<<dim3((n / 8 + 255) / 256, m), rows::kThreads, 0, stream>>>(x.data(), scales.data(), nullptr, bf16(residual), bf16(y), m, n);
    });
    bench::report("rows", std::to_string(m) + "x" + std::to_string(n), "scale_bf16", us, 8.0 * static_cast<double>(count), 0);
    const int vocabulary = 128256;
    const bench::Device<uint8_t> table(static_cast<size_t>(vocabulary) * n);
    const bench::Device<float> factors(std::vector<float>(vocabulary, 0.01f));
    bench::Random random(15);
    std::vector<int> tokens(m);
    for (int& id : tokens) id = static_cast<int>(random.bits() % vocabulary);
    const bench::Device<int> ids(tokens);
    const double gather = bench::median_us(20, [&](cudaStream_t stream, int) {
      rows_of_tiles_int8<<<m, rows::kTableThreads, 0, stream>>>(table.data(), factors.data(), ids.data(), bf16(y), vocabulary, n, 192);
    });
    bench::report("rows", std::to_string(m) + "x" + std::to_string(n), "of_tiles_int8", gather, 3.0 * static_cast<double>(count), 0);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options = bench::Options::parse(argc, argv);
  bench::Checks checks("rows");
  if (!options.time_only) {
    check_place(checks, 5, 40, 40, 64, 48);
    check_place(checks, 3, 300, 520, 512, 512);
    if (!options.smallest) check_place(checks, 65537, 3, 4, 5, 4);
    for (int vectors : {1, 257}) check_static_codes(checks, vectors, 0.37f);
    for (int vectors : {1, 257}) check_int8(checks, vectors);
    check_scale(checks, 3, 16, false, false);
    check_scale(checks, 5, 2056, true, true);
    if (!options.smallest) check_scale(checks, 65537, 8, true, false);
    check_int4_table(checks, 130, 256);
    check_int4_table(checks, 130, 1152);
    for (int tile_rows : {0, 32, 96}) check_tiles(checks, 130, 272, tile_rows);
  }
  if (!options.check_only && checks.exit_code() == 0) time_all();
  return checks.exit_code();
}
