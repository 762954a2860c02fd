// Checks the kernels of fake against plain loops on the host: numbers and cut-off gradients to the bit, gradients of scales within
// the rounding of their fp64 sums. Then times them on the layers of SmolLM2-135M. Schemes: the host rules below are those of
// compressed-tensors for int4 and e4m3 weights and int8 tokens; all others are held by the tests in Java.
#include "fake.cu"

#include "bench.cuh"

namespace {

using Floats = std::vector<float>;

// To nearest, ties to even.
float bf16(float value) {
  uint32_t word;
  std::memcpy(&word, &value, 4);
  word = (word + 0x7FFF + (word >> 16 & 1)) & 0xFFFF0000u;
  std::memcpy(&value, &word, 4);
  return value;
}

// The nearest e4m3 number, saturating, by its steps.
float e4m3(float value) {
  const double magnitude = std::abs(static_cast<double>(value));
  const int exponent = magnitude == 0 ? -6 : std::max(std::ilogb(magnitude), -6);
  return static_cast<float>(std::copysign(std::min(448.0, std::ldexp(std::rint(std::ldexp(magnitude, 3 - exponent)), exponent - 3)), value));
}

struct Case {
  std::string name;
  fake::Scheme scheme;
  int rows, columns, group;
  bool weight_type_bf16;
  bool learned;
};

float round_as(const Case& c, float value) { return c.weight_type_bf16 ? bf16(value) : value; }

struct HostScale {
  float scale, zero;
};

HostScale computed(const Case& c, const Floats& x, size_t begin, int count) {
  float low = 0, high = 0;
  for (int i = 0; i < count; i++) {
    low = std::min(low, round_as(c, x[begin + i]));
    high = std::max(high, round_as(c, x[begin + i]));
  }
  const float least = c.scheme.format == quantize::kE4m3 ? -448.0f : -std::ldexp(1.0f, c.scheme.bits - 1);
  const float most = c.scheme.format == quantize::kE4m3 ? 448.0f : -least - 1;
  if (c.scheme.rule == quantize::kCtSymmetric) return {round_as(c, std::max(-low, high) / ((most - least) / 2)), 0};
  const float scale = round_as(c, round_as(c, high - low) / (most - least));
  return {scale, std::rint(std::max(least, std::min(most, round_as(c, least - round_as(c, low / scale)))))};
}

struct Expected {
  Floats fake, gradient;
  std::vector<double> of_scale, of_zero;
};

Expected expected(const Case& c, const Floats& x, const Floats& gradient, const Floats& scales, const Floats& zeros) {
  Expected e = {x, gradient, {}, {}};
  const float least = c.scheme.format == quantize::kE4m3 ? -448.0f : -std::ldexp(1.0f, c.scheme.bits - 1);
  const float most = c.scheme.format == quantize::kE4m3 ? 448.0f : -least - 1;
  for (size_t begin = 0, index = 0; begin < x.size(); begin += c.group, index++) {
    HostScale s = computed(c, x, begin, c.group);
    if (c.learned) {
      s.scale = round_as(c, std::max(1e-9f, scales[index]));
      s.zero = zeros.empty() ? 0.0f : std::max(least, std::min(most, std::rint(zeros[index])));
    }
    double of_scale = 0, of_zero = 0;
    for (int i = 0; i < c.group; i++) {
      const float value = round_as(c, x[begin + i]);
      const float position = round_as(c, round_as(c, value / s.scale) + s.zero);
      const float clamped = std::max(least, std::min(most, position));
      const float code = c.scheme.format == quantize::kE4m3 ? e4m3(clamped) : std::rint(clamped);
      e.fake[begin + i] = round_as(c, (code - s.zero) * s.scale);
      const bool e4m3_codes = c.scheme.format == quantize::kE4m3;
      const bool cut = e4m3_codes ? std::abs(position) > 464 : position < least - 0.5f || position >= most + 0.5f;
      const double slope = gradient[begin + i];
      if (cut) {
        e.gradient[begin + i] = 0;
        of_scale += slope * (code - s.zero);
        of_zero -= slope * s.scale;
      } else {
        of_scale += slope * ((code - s.zero) - value / s.scale);
      }
    }
    e.of_scale.push_back(of_scale);
    e.of_zero.push_back(of_zero);
  }
  return e;
}

int team(int group) {
  int threads = 4;
  while (threads < 32 && threads * fake::kEach < group) threads *= 2;
  return threads;
}

int blocks_of(const Case& c) {
  return static_cast<int>((static_cast<long long>(c.rows) * (c.columns / c.group) * team(c.group) - 1) / fake::kThreads + 1);
}

#define ARGUMENTS(c, x, scales, zeros)                                                                                              \
  reinterpret_cast<const unsigned char*>(x), scales, zeros, nullptr, c.rows, c.columns, c.scheme.rule, c.scheme.format, c.scheme.bits, \
      c.scheme.storage, 1, c.group, c.columns / c.group, 1, team(c.group)

unsigned char* bytes(const void* at) { return static_cast<unsigned char*>(const_cast<void*>(at)); }

Floats widened(const std::vector<uint16_t>& codes) {
  Floats values;
  for (const uint16_t code : codes) values.push_back(numbers::bf16_to_float(code));
  return values;
}

std::vector<uint16_t> narrowed(const Floats& values) {
  std::vector<uint16_t> codes;
  for (const float value : values) codes.push_back(numbers::float_to_bf16(value));
  return codes;
}

double largest_difference(const Floats& found, const std::vector<double>& wanted) {
  double largest = 0;
  for (size_t i = 0; i < wanted.size(); i++) {
    const double difference = std::abs(found[i] - wanted[i]) / (1 + std::abs(wanted[i]));
    largest = difference <= largest ? largest : difference;
  }
  return largest;
}

void check(bench::Checks& checks, const Case& c) {
  bench::Random random(c.rows * 31 + c.columns + c.scheme.bits);
  const size_t count = static_cast<size_t>(c.rows) * c.columns, scale_count = count / c.group;
  Floats x(count), gradient(count), scales, zeros;
  for (float& value : x) value = random.normal() * 0.05f;
  for (float& value : gradient) value = random.normal();
  if (c.learned) {
    for (size_t i = 0; i < scale_count; i++) scales.push_back(computed(c, x, i * c.group, c.group).scale * static_cast<float>(0.5 + random.uniform()));
    scales[0] = -1;
    if (c.scheme.rule == quantize::kCtAsymmetric) {
      for (size_t i = 0; i < scale_count; i++) zeros.push_back(computed(c, x, i * c.group, c.group).zero + random.normal());
    }
  }
  const Expected e = expected(c, x, gradient, scales, zeros);
  const bench::Device<float> dx(x), g(gradient), to(count), ds(scales), dz(zeros), scale_gradient(Floats(scale_count, 0.5f)), zero_gradient(Floats(scale_count, 0.5f));
  const bench::Device<uint16_t> to_bf16(count);
  const bench::Device<double2> sums(scale_count);
  const float* at_scales = c.learned ? ds.data() : nullptr;
  const float* at_zeros = zeros.empty() ? nullptr : dz.data();
  const int blocks = blocks_of(c);
  if (c.weight_type_bf16) {
    fake_forward_fp32_bf16_fp32<<<blocks, fake::kThreads>>>(ARGUMENTS(c, dx.data(), at_scales, at_zeros), bytes(to.data()));
    fake_forward_fp32_bf16_bf16<<<blocks, fake::kThreads>>>(ARGUMENTS(c, dx.data(), at_scales, at_zeros), bytes(to_bf16.data()));
    if (c.learned) fake_backward_bf16<<<blocks, fake::kThreads>>>(ARGUMENTS(c, dx.data(), at_scales, at_zeros), bytes(g.data()), sums.data());
    else fake_cut_off_fp32_bf16_fp32<<<blocks, fake::kThreads>>>(ARGUMENTS(c, dx.data(), at_scales, at_zeros), bytes(g.data()));
  } else {
    fake_forward_fp32_fp32_fp32<<<blocks, fake::kThreads>>>(ARGUMENTS(c, dx.data(), at_scales, at_zeros), bytes(to.data()));
    fake_forward_fp32_fp32_bf16<<<blocks, fake::kThreads>>>(ARGUMENTS(c, dx.data(), at_scales, at_zeros), bytes(to_bf16.data()));
    if (c.learned) fake_backward_fp32<<<blocks, fake::kThreads>>>(ARGUMENTS(c, dx.data(), at_scales, at_zeros), bytes(g.data()), sums.data());
    else fake_cut_off_fp32_fp32_fp32<<<blocks, fake::kThreads>>>(ARGUMENTS(c, dx.data(), at_scales, at_zeros), bytes(g.data()));
  }
  LAUNCHED();
  CUDA_MUST(cudaDeviceSynchronize());
  checks.same(c.name + "_fake", to.host(), e.fake, to.guards_hold());
  checks.same(c.name + "_bf16", to_bf16.host(), narrowed(e.fake), to_bf16.guards_hold());
  checks.same(c.name + "_gradient", g.host(), e.gradient, g.guards_hold());
  if (!c.learned) return;
  const float factor = 0.25f;
  fake_add_sums<<<static_cast<int>((scale_count - 1) / fake::kThreads + 1), fake::kThreads>>>(
      sums.data(), scale_gradient.data(), zeros.empty() ? nullptr : zero_gradient.data(), c.rows, c.columns / c.group, 1, factor);
  LAUNCHED();
  CUDA_MUST(cudaDeviceSynchronize());
  std::vector<double> of_scale, of_zero;
  for (size_t i = 0; i < scale_count; i++) {
    of_scale.push_back(0.5 + factor * e.of_scale[i]);
    of_zero.push_back(zeros.empty() ? 0.5 : 0.5 + factor * e.of_zero[i]);
  }
  checks.within(c.name + "_of_scale", largest_difference(scale_gradient.host(), of_scale), 2e-7, scale_gradient.guards_hold());
  checks.within(c.name + "_of_zero", largest_difference(zero_gradient.host(), of_zero), 2e-7, zero_gradient.guards_hold());
}

// Inputs of layers in bf16: those kernels against the ones in fp32.
void check_inputs(bench::Checks& checks, const Case& c) {
  bench::Random random(c.columns);
  const size_t count = static_cast<size_t>(c.rows) * c.columns;
  Floats x(count), gradient(count);
  for (float& value : x) value = bf16(random.normal());
  for (float& value : gradient) value = bf16(random.normal());
  const Expected e = expected(c, x, gradient, {}, {});
  const bench::Device<uint16_t> dx(narrowed(x)), g(narrowed(gradient)), to(count);
  fake_forward_bf16_fp32_bf16<<<blocks_of(c), fake::kThreads>>>(ARGUMENTS(c, dx.data(), nullptr, nullptr), bytes(to.data()));
  fake_cut_off_bf16_fp32_bf16<<<blocks_of(c), fake::kThreads>>>(ARGUMENTS(c, dx.data(), nullptr, nullptr), bytes(g.data()));
  LAUNCHED();
  CUDA_MUST(cudaDeviceSynchronize());
  checks.same(c.name + "_inputs", to.host(), narrowed(e.fake), to.guards_hold());
  checks.same(c.name + "_inputs_gradient", widened(g.host()), e.gradient, g.guards_hold());
}

void time(const Case& c) {
  const size_t count = static_cast<size_t>(c.rows) * c.columns, scale_count = count / c.group;
  const int copies = static_cast<int>(150000000 / (count * 4) + 1);
  bench::Random random(9);
  Floats x(count);
  for (float& value : x) value = random.normal() * 0.05f;
  std::vector<bench::Device<float>> all;
  for (int i = 0; i < copies; i++) all.emplace_back(x);
  const bench::Device<uint16_t> to(count);
  const bench::Device<float> g(x), scales(Floats(scale_count, 0.01f)), gradient(Floats(scale_count, 0.0f));
  const bench::Device<double2> sums(scale_count);
  const float* at = c.learned ? scales.data() : nullptr;
  const int blocks = blocks_of(c);
  const auto run = [&](const char* what, double bytes_each, const std::function<void(cudaStream_t, int)>& body) {
    bench::report("fake", std::to_string(c.rows) + "x" + std::to_string(c.columns), c.name + " " + what, bench::median_us(2 * copies, body, 9), bytes_each * count, 0);
  };
  run("forward", 6, [&](cudaStream_t stream, int i) {
    fake_forward_fp32_bf16_bf16<<<blocks, fake::kThreads, 0, stream>>>(ARGUMENTS(c, all[i % copies].data(), at, nullptr), bytes(to.data()));
  });
  run("backward", c.learned ? 8 : 4, [&](cudaStream_t stream, int i) {
    if (c.learned) {
      fake_backward_bf16<<<blocks, fake::kThreads, 0, stream>>>(ARGUMENTS(c, all[i % copies].data(), at, nullptr), bytes(g.data()), sums.data());
      fake_add_sums<<<static_cast<int>((scale_count - 1) / fake::kThreads + 1), fake::kThreads, 0, stream>>>(sums.data(), gradient.data(), nullptr, c.rows, c.columns / c.group, 1, 1.0f);
    } else {
      fake_cut_off_fp32_bf16_fp32<<<blocks, fake::kThreads, 0, stream>>>(ARGUMENTS(c, all[i % copies].data(), at, nullptr), bytes(g.data()));
    }
  });
}

// Inputs [rows, columns] in bf16.
void time_inputs(const Case& c) {
  const size_t count = static_cast<size_t>(c.rows) * c.columns;
  const int copies = static_cast<int>(150000000 / (count * 2) + 1);
  bench::Random random(9);
  std::vector<uint16_t> x(count);
  for (uint16_t& value : x) value = numbers::float_to_bf16(random.normal());
  std::vector<bench::Device<uint16_t>> all;
  for (int i = 0; i < copies; i++) all.emplace_back(x);
  const bench::Device<uint16_t> to(count);
  const double forward = bench::median_us(2 * copies, [&](cudaStream_t stream, int i) {
    fake_forward_bf16_fp32_bf16<<<blocks_of(c), fake::kThreads, 0, stream>>>(ARGUMENTS(c, all[i % copies].data(), nullptr, nullptr), bytes(to.data()));
  }, 9);
  bench::report("fake", std::to_string(c.rows) + "x" + std::to_string(c.columns), c.name + " inputs forward", forward, 4.0 * count, 0);
  const double backward = bench::median_us(2 * copies, [&](cudaStream_t stream, int i) {
    fake_cut_off_bf16_fp32_bf16<<<blocks_of(c), fake::kThreads, 0, stream>>>(ARGUMENTS(c, all[i % copies].data(), nullptr, nullptr), bytes(to.data()));
  }, 9);
  bench::report("fake", std::to_string(c.rows) + "x" + std::to_string(c.columns), c.name + " inputs backward", backward, 2.0 * count, 0);
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options = bench::Options::parse(argc, argv);
  bench::Checks checks("fake");
  const fake::Scheme int4 = {quantize::kCtSymmetric, quantize::kInteger, 4, 0}, int4_zero = {quantize::kCtAsymmetric, quantize::kInteger, 4, 0},
                     int3_zero = {quantize::kCtAsymmetric, quantize::kInteger, 3, 0}, int8_zero = {quantize::kCtAsymmetric, quantize::kInteger, 8, 0},
                     fp8 = {quantize::kCtSymmetric, quantize::kE4m3, 8, 0};
  if (!options.time_only) {
    for (const bool bf16_type : {true, false}) {
      for (const bool learned : {false, true}) {
        const std::string suffix = std::string(bf16_type ? "_bf16" : "_fp32") + (learned ? "_learned" : "");
        check(checks, {"int4_g32" + suffix, int4, 136, 256, 32, bf16_type, learned});
        check(checks, {"int4_g192" + suffix, int4, 96, 576, 192, bf16_type, learned});
        check(checks, {"int4_row" + suffix, int4, 65, 1536, 1536, bf16_type, learned});
        check(checks, {"int4_odd_row" + suffix, int4, 65, 333, 333, bf16_type, learned});
        check(checks, {"int4_zero_g64" + suffix, int4_zero, 96, 576, 64, bf16_type, learned});
        check(checks, {"int3_zero_g64" + suffix, int3_zero, 96, 576, 64, bf16_type, learned});
        check(checks, {"fp8_row" + suffix, fp8, 65, 576, 576, bf16_type, learned});
      }
    }
    check_inputs(checks, {"int8_zero", int8_zero, 257, 576, 576, false, false});
    check_inputs(checks, {"int8_zero", int8_zero, 33, 1537, 1537, false, false});
  }
  if (!options.check_only) {
    for (const bool learned : {false, true}) {
      const std::string suffix = learned ? " learned" : " computed";
      time({"int4_g192" + suffix, int4, 3072, 576, 192, true, learned});
      time({"int4_row" + suffix, int4, 576, 1536, 1536, true, learned});
      if (!options.quick) time({"int4_g32" + suffix, int4, 14336, 4096, 32, true, learned});
    }
    time_inputs({"int8_zero", int8_zero, 16384, 576, 576, false, false});
    time_inputs({"int8_zero", int8_zero, 16384, 1536, 1536, false, false});
  }
  return checks.exit_code();
}
