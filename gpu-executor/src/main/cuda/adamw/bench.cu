// Checks the kernels of adamw against plain loops on the host, to the bit, then times them on a tensor of 2^26 elements and on the
// tensors of a small model.
#include "adamw.cu"

#include "bench.cuh"

namespace {

using adamw::Map;

// The rule: the nearest number of an ascending map, halves up.
int nearest(const std::vector<float>& map, float value) {
  size_t below = 0;
  while (below + 1 < map.size() && value >= map[below + 1]) below++;
  const size_t above = std::min(below + 1, map.size() - 1);
  const float rest = value - map[below];
  return static_cast<int>(rest >= (map[above] - map[below]) * 0.5f ? above : below);
}

// Ascending numbers, dense around zero: any such map will do here.
std::vector<float> numbers_of(int count, bool is_signed) {
  std::vector<float> map;
  for (int i = 0; i < count; i++) {
    const double x = is_signed ? (2.0 * i + 1 - count) / count : static_cast<double>(i) / count;
    map.push_back(i == count - 1 ? 1.0f : static_cast<float>(std::copysign(std::pow(std::abs(x), 5), x)));
  }
  return map;
}

float float_of(uint32_t bits) { return numbers::float_of(bits); }

// Order of floats as integers, and back.
int32_t ordered(int32_t bits) { return bits ^ (bits >> 31 & 0x7FFFFFFF); }

Map table_of(const std::vector<float>& map) {
  Map table;
  std::memset(&table, 0xFF, sizeof table);
  std::copy(map.begin(), map.end(), table.numbers);
  for (size_t code = 1; code < map.size(); code++) {
    int64_t below = ordered(static_cast<int32_t>(0xFF800000u)), above = 0x7F800000;
    while (below < above) {
      const int64_t middle = (below + above) >> 1;
      const float value = float_of(static_cast<uint32_t>(ordered(static_cast<int32_t>(middle))));
      if (nearest(map, value) >= static_cast<int>(code)) above = middle;
      else below = middle + 1;
    }
    table.begins[code] = float_of(static_cast<uint32_t>(ordered(static_cast<int32_t>(above))));
  }
  table.begins[map.size()] = INFINITY;
  for (int prefix = 0; prefix < adamw::kPrefixes; prefix++) {
    const uint32_t bits = static_cast<uint32_t>(adamw::kPrefixBase + prefix) << adamw::kPrefixShift;
    table.first[0][prefix] = static_cast<uint8_t>(nearest(map, prefix == 0 ? 0.0f : float_of(bits)));
    table.first[1][prefix] = static_cast<uint8_t>(nearest(map, -float_of(bits | 0x3FFFF)));
  }
  return table;
}

struct HostMoment {
  std::vector<float> numbers;  // fp32, or what codes stand for
  std::vector<uint8_t> codes;
  std::vector<float> scales;
};

struct Format {
  const char* name;
  int bits;
  int block;
};
constexpr Format kFormats[] = {{"fp32", 32, 1}, {"8bit", 8, 256}, {"4bit", 4, 128}, {"fp8", 8, 256}};

void encode(const Format& format, const std::vector<float>& map, HostMoment& moment) {
  if (format.bits == 32) return;
  const size_t count = moment.numbers.size();
  moment.codes.assign(count * format.bits / 8, 0);
  moment.scales.assign(count / format.block, 0);
  const bool fp8 = std::string(format.name) == "fp8";
  for (size_t i = 0; i < count; i++) {
    if (i % format.block == 0) {
      float largest = 1e-12f;
      for (int j = 0; j < format.block; j++) largest = std::max(largest, std::abs(moment.numbers[i + j]));
      moment.scales[i / format.block] = fp8 ? largest / 448.0f : largest;
    }
    const float scale = moment.scales[i / format.block], position = moment.numbers[i] / scale;
    const int code = fp8 ? numbers::float_to_e4m3(position) : nearest(map, position);
    if (format.bits == 8) moment.codes[i] = static_cast<uint8_t>(code);
    else moment.codes[i / 2] |= static_cast<uint8_t>(i % 2 == 0 ? code << 4 : code);
    moment.numbers[i] = (fp8 ? numbers::e4m3_to_float(static_cast<uint8_t>(code)) : map[code]) * scale;
  }
}

float lerp(float from, float to, float weight) {
  return weight < 0.5f ? from + weight * (to - from) : to - (to - from) * (1 - weight);
}

struct Step {
  adamw::Constants constants;
  int rounding;
  adamw::Draws draws;
};

Step step_of(int number, int rounding, float first_weight = 0.1f) {
  const float correction = 1 - std::pow(0.9f, static_cast<float>(number));
  const float root = std::sqrt(1 - std::pow(0.999f, static_cast<float>(number)));
  return {{0.75f, 1e-3f, first_weight, 1e-3f, correction, root, 1e-8f, 1e-2f}, rounding, {0x123456789ABCDEFull, 7, static_cast<uint32_t>(number)}};
}

void step_on_host(std::vector<float>& p, const std::vector<float>& g, HostMoment& m, HostMoment& v, const Step& step) {
  const adamw::Constants& c = step.constants;
  for (size_t i = 0; i < p.size(); i++) {
    const float gradient = g[i] * c.gradient_factor;
    p[i] = p[i] - c.decay * p[i];
    m.numbers[i] = lerp(m.numbers[i], gradient, c.first_weight);
    v.numbers[i] = lerp(v.numbers[i], gradient * gradient, c.second_weight);
    const float root = std::sqrt(v.numbers[i]) / c.second_correction + c.epsilon;
    p[i] = p[i] - c.rate * (m.numbers[i] / c.first_correction) / root;
    if (step.rounding == adamw::kBf16) p[i] = numbers::round_bf16(p[i]);
    if (step.rounding == adamw::kBf16Stochastic) {
      const uint64_t block = i / 8;
      sample::Words words = {{static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), step.draws.parameter, step.draws.step}};
      words = sample::philox(words, static_cast<uint32_t>(step.draws.seed), static_cast<uint32_t>(step.draws.seed >> 32));
      const uint32_t random = words.x[i % 8 / 2] >> (i % 2 * 16) & 0xFFFF, bits = numbers::bits_of(p[i]);
      p[i] = float_of((bits & 0xFFFF0000u) + (random < (bits & 0xFFFFu) ? 0x10000u : 0u));
    }
  }
}

void launch(const Format& format, float* p, const float* g, adamw::Moment m, adamw::Moment v, const Map* maps, const Step& s, long long count,
            cudaStream_t stream) {
  const auto kernel = format.bits == 32 ? adamw_fp32 : format.bits == 4 ? adamw_4bit : std::string(format.name) == "fp8" ? adamw_fp8 : adamw_8bit;
  const long long blocks = std::min((count + 2047) / 2048, 132ll * 8);
  const adamw::Constants& c = s.constants;
  kernel<<<static_cast<int>(blocks), adamw::kThreads, 0, stream>>>(
      p, g, m.codes, m.scales, v.codes, v.scales, maps, c.gradient_factor, c.decay, c.first_weight, c.second_weight, c.first_correction,
      c.second_correction, c.epsilon, c.rate, s.rounding, s.draws.seed, static_cast<int>(s.draws.parameter), static_cast<int>(s.draws.step), count);
  LAUNCHED();
}

// Three steps from zeros, whose moments go through their codes.
void check(bench::Checks& checks, const Format& format, size_t count, int rounding, float first_weight) {
  const std::vector<float> map1 = numbers_of(format.bits == 4 ? 16 : 256, true), map2 = numbers_of(format.bits == 4 ? 16 : 256, false);
  const bench::Device<Map> maps(std::vector<Map>{table_of(map1), table_of(map2)});
  bench::Random random(count + format.bits + rounding);
  std::vector<float> p(count), g(count);
  for (float& x : p) x = random.normal();
  HostMoment m, v;
  m.numbers.assign(count, 0);
  v.numbers.assign(count, 0);
  encode(format, map1, m);
  encode(format, map2, v);
  bench::Device<float> dp(p), dm(m.numbers), dv(v.numbers);
  bench::Device<uint8_t> mc(m.codes), vc(v.codes);
  bench::Device<float> ms(m.scales), vs(v.scales);
  const bool plain = format.bits == 32;
  for (int number = 1; number <= 3; number++) {
    for (float& x : g) x = random.normal() * std::exp(4 * random.normal());
    const bench::Device<float> dg(g);
    const Step step = step_of(number, rounding, first_weight);
    launch(format, dp.data(), dg.data(), {plain ? static_cast<void*>(dm.data()) : mc.data(), ms.data()},
           {plain ? static_cast<void*>(dv.data()) : vc.data(), vs.data()}, maps.data(), step, static_cast<long long>(count), nullptr);
    CUDA_MUST(cudaDeviceSynchronize());
    step_on_host(p, g, m, v, step);
    encode(format, map1, m);
    encode(format, map2, v);
  }
  const std::string name = std::string(format.name) + "_" + std::to_string(count) + "_rounding" + std::to_string(rounding) + (first_weight > 0.5f ? "_far" : "");
  checks.same(name + "_values", dp.host(), p, dp.guards_hold());
  if (plain) {
    checks.same(name + "_first", dm.host(), m.numbers, dm.guards_hold());
    checks.same(name + "_second", dv.host(), v.numbers, dv.guards_hold());
    return;
  }
  checks.same(name + "_first", mc.host(), m.codes, mc.guards_hold());
  checks.same(name + "_second", vc.host(), v.codes, vc.guards_hold());
  checks.same(name + "_first_scales", ms.host(), m.scales, ms.guards_hold());
  checks.same(name + "_second_scales", vs.host(), v.scales, vs.guards_hold());
}

// Moments of many scales, so that codes are spread over their maps as in training.
void time(const Format& format, size_t count, int tensors) {
  const int codes = format.bits == 4 ? 16 : 256;
  const bench::Device<Map> maps(std::vector<Map>{table_of(numbers_of(codes, true)), table_of(numbers_of(codes, false))});
  bench::Random random(5);
  std::vector<float> piece(1 << 16);
  for (float& x : piece) x = random.normal() * 1e-3f;
  std::vector<float> values(count);
  for (size_t i = 0; i < count; i++) values[i] = piece[i % piece.size()];
  const bench::Device<float> p(values), g(values);
  const bench::Device<uint8_t> m(count * format.bits / 8), v(count * format.bits / 8);
  const bench::Device<float> ms(count / format.block + 1), vs(count / format.block + 1);
  CUDA_MUST(cudaMemset(m.data(), 0, m.bytes()));
  CUDA_MUST(cudaMemset(v.data(), 0, v.bytes()));
  CUDA_MUST(cudaMemset(ms.data(), 0, ms.bytes()));
  CUDA_MUST(cudaMemset(vs.data(), 0, vs.bytes()));
  const Step step = step_of(1, adamw::kFp32);
  const long long each = static_cast<long long>(count) / tensors;
  const double us = bench::median_us(10, [&](cudaStream_t stream, int) {
    for (int i = 0; i < tensors; i++) {
      const long long at = i * each;
      launch(format, p.data() + at, g.data() + at, {m.data() + at * format.bits / 8, ms.data() + at / format.block},
             {v.data() + at * format.bits / 8, vs.data() + at / format.block}, maps.data(), step, each, stream);
    }
  });
  const double bytes = static_cast<double>(count) * (12 + 4.0 * format.bits / 8 + (format.bits == 32 ? 0 : 16.0 / format.block));
  bench::report("adamw", std::to_string(count) + " in " + std::to_string(tensors), format.name, us, bytes, 0);
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options = bench::Options::parse(argc, argv);
  bench::Checks checks("adamw");
  if (!options.time_only) {
    for (const Format& format : kFormats) {
      if (!options.wants(format.name)) continue;
      for (const int rounding : {adamw::kFp32, adamw::kBf16, adamw::kBf16Stochastic}) {
        check(checks, format, 128 * 999 * (format.block > 128 ? 2 : 1), rounding, 0.1f);
      }
      check(checks, format, format.block, adamw::kBf16Stochastic, 0.9f);
      if (format.bits == 32) check(checks, format, 1003, adamw::kBf16Stochastic, 0.1f);
    }
  }
  if (!options.check_only) {
    for (const Format& format : kFormats) {
      if (!options.wants(format.name)) continue;
      time(format, 1 << 26, 1);
      if (!options.quick) time(format, 106 << 20, 212);
    }
  }
  return checks.exit_code();
}
