// numbers.cuh against plain definitions, on the host and on the device: every code of every format, every bf16 and fp16
// number, all boundaries between codes with their neighbours, and random bits.
#pragma once

#include "bench_bounds.cuh"
#include "numbers.cuh"
#include "reference.cuh"

namespace number_checks {

struct Converted {
  uint16_t bf16, fp16;
  uint8_t e4m3, e4m3_plainly, e5m2, e2m1, e8m0, padding;
};

__host__ __device__ inline Converted convert(float value) {
  return {numbers::float_to_bf16(value), numbers::float_to_fp16(value), numbers::float_to_e4m3(value),
          numbers::float_to_e4m3_plainly(value), numbers::float_to_e5m2(value), numbers::float_to_e2m1(value),
          numbers::float_to_e8m0_up(value), 0};
}

__global__ void convert_all(const float* values, Converted* out, int count) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) out[i] = convert(values[i]);
}

inline Converted expected(float value) {
  auto ieee = [value](const reference::BinaryFloat& format) {
    return static_cast<uint16_t>(std::isnan(value) ? 0x7FFF : format.encode(value, false));
  };
  auto saturated = [value](const reference::BinaryFloat& format) { return static_cast<uint8_t>(format.encode(value, true)); };
  uint8_t e4m3 = saturated(reference::kE4m3Format);
  return {ieee(reference::kBf16), ieee(reference::kFp16), e4m3, e4m3, saturated(reference::kE5m2Format),
          saturated(reference::kE2m1Format), static_cast<uint8_t>(reference::e8m0_up(value)), 0};
}

// Every decoded code as the bits of a float; NaN as all ones.
struct Decoded {
  uint32_t e4m3, e4m3_pair, e5m2, e2m1, e8m0;
};

__host__ __device__ inline uint32_t plain_bits(float value) {
  return numbers::is_nan(value) ? 0xFFFFFFFFu : numbers::bits_of(value);
}

__host__ __device__ inline Decoded decode(int code) {
  uint8_t byte = static_cast<uint8_t>(code);
  uint32_t pair = numbers::e4m3x2_to_fp16x2(static_cast<uint16_t>(byte << 8 | byte));
  return {plain_bits(numbers::e4m3_to_float(byte)), plain_bits(numbers::fp16x2_high(pair)),
          plain_bits(numbers::e5m2_to_float(byte)), plain_bits(numbers::e2m1_to_float(byte)),
          plain_bits(numbers::e8m0_to_float(byte))};
}

__global__ void decode_all(Decoded* out) { out[threadIdx.x] = decode(static_cast<int>(threadIdx.x)); }

__global__ void widen_all(uint32_t* out) {
  uint32_t code = blockIdx.x * blockDim.x + threadIdx.x;
  out[2 * code] = plain_bits(numbers::bf16_to_float(static_cast<uint16_t>(code)));
  out[2 * code + 1] = plain_bits(numbers::fp16_to_float(static_cast<uint16_t>(code)));
}

// A number, its two neighbours, and their negatives.
inline void add_with_neighbours(std::vector<float>& values, float value) {
  for (float v : {value, std::nextafter(value, INFINITY), std::nextafter(value, -INFINITY)}) {
    values.push_back(v);
    values.push_back(-v);
  }
}

inline std::vector<float> inputs() {
  std::vector<float> values;
  for (const reference::BinaryFloat& format : {reference::kBf16, reference::kFp16, reference::kE4m3Format,
                                               reference::kE5m2Format, reference::kE2m1Format}) {
    for (int code = 0; code <= format.largest_code(); code++) {
      float value = format.decode(code);
      // Half-way to the next number, computed from the step below it, so that it exists beyond the largest too.
      float step = value - format.decode(std::max(0, code - 1));
      float next = code < format.largest_code() ? format.decode(code + 1) : value + step;
      add_with_neighbours(values, value);
      add_with_neighbours(values, static_cast<float>((static_cast<double>(value) + next) / 2));
    }
  }
  for (int exponent = -149; exponent <= 127; exponent++) add_with_neighbours(values, std::ldexp(1.0f, exponent));
  for (uint32_t bits : {0x7F800000u, 0xFF800000u, 0x7FC00000u, 0xFFC00000u, 0x7F800001u, 0x7F7FFFFFu, 0x00000001u}) {
    values.push_back(reference::float_of(bits));
  }
  bench::Random random(1);
  for (int i = 0; i < 1 << 20; i++) values.push_back(reference::float_of(static_cast<uint32_t>(random.bits())));
  return values;
}

inline void check(bench::Checks& checks) {
  std::vector<float> values = inputs();
  std::vector<Converted> plain, host;
  for (float value : values) {
    plain.push_back(expected(value));
    host.push_back(convert(value));
  }
  checks.same("numbers/encode-host", host, plain);
  bench::Device<float> in(values);
  bench::Device<Converted> out(values.size());
  const int count = static_cast<int>(values.size());
  convert_all<<<(count + 255) / 256, 256>>>(in.data(), out.data(), count);
  LAUNCHED();
  checks.same("numbers/encode-device", out.host(), plain, out.guards_hold());

  std::vector<Decoded> plain_codes, host_codes;
  std::vector<uint32_t> wide;
  for (int code = 0; code < 256; code++) {
    uint32_t e4m3 = plain_bits(reference::kE4m3Format.decode(code));
    plain_codes.push_back({e4m3, e4m3, plain_bits(reference::kE5m2Format.decode(code)),
                           plain_bits(reference::kE2m1Format.decode(code & 15)),
                           plain_bits(code == 255 ? NAN : std::ldexp(1.0f, code - 127))});
    host_codes.push_back(decode(code));
  }
  for (int code = 0; code < 65536; code++) {
    wide.push_back(plain_bits(reference::kBf16.decode(code)));
    wide.push_back(plain_bits(reference::kFp16.decode(code)));
  }
  checks.same("numbers/decode-host", host_codes, plain_codes);
  bench::Device<Decoded> codes(256);
  decode_all<<<1, 256>>>(codes.data());
  LAUNCHED();
  checks.same("numbers/decode-device", codes.host(), plain_codes, codes.guards_hold());
  bench::Device<uint32_t> widened(2 * 65536);
  widen_all<<<256, 256>>>(widened.data());
  LAUNCHED();
  checks.same("numbers/widen-device", widened.host(), wide, widened.guards_hold());

  bound_checks::check<true>(checks, "bf16");
  bound_checks::check<false>(checks, "fp16");
}

}  // namespace number_checks
