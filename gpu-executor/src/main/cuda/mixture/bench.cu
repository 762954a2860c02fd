// Checks the kernels of mixture against loops on the host, then times them on a mixture of 128 experts, 8 of a token.
#include "mixture.cu"

#include <cstring>
#include <numeric>

#include "bench.cuh"

namespace {

struct Shape {
  int tokens, experts, each, n;
  std::string label() const {
    return std::to_string(tokens) + "_of_" + std::to_string(experts) + "x" + std::to_string(each) + "_" + std::to_string(n);
  }
};

float from_bf16(uint16_t bits) {
  const uint32_t word = static_cast<uint32_t>(bits) << 16;
  float value;
  std::memcpy(&value, &word, 4);
  return value;
}

// To nearest, ties to even; no NaN.
uint16_t to_bf16(float value) {
  uint32_t word;
  std::memcpy(&word, &value, 4);
  return static_cast<uint16_t>((word + 0x7FFF + (word >> 16 & 1)) >> 16);
}

std::vector<float> random_floats(size_t count, uint64_t seed) {
  bench::Random random(seed);
  std::vector<float> values(count);
  for (float& value : values) value = random.normal();
  return values;
}

std::vector<uint16_t> random_bf16(size_t count, uint64_t seed) {
  std::vector<uint16_t> bits;
  for (float value : random_floats(count, seed)) bits.push_back(to_bf16(value));
  return bits;
}

void done() {
  LAUNCHED();
  CUDA_MUST(cudaDeviceSynchronize());
}

// Of every token: its largest experts, of equals the lower, ascending, and their weights; in double.
struct Routes {
  std::vector<int> choices;
  std::vector<double> weights;

  Routes(const Shape& s, const std::vector<float>& scores, bool normalized) {
    for (int token = 0; token < s.tokens; token++) {
      const float* row = scores.data() + static_cast<size_t>(token) * s.experts;
      std::vector<int> order(s.experts);
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return row[a] > row[b]; });
      double all = 0, chosen = 0;
      for (int i = 0; i < s.experts; i++) {
        const double part = std::exp(static_cast<double>(row[order[i]]) - row[order[0]]);
        all += part;
        if (i < s.each) chosen += part;
      }
      std::sort(order.begin(), order.begin() + s.each);
      for (int i = 0; i < s.each; i++) {
        const float largest = *std::max_element(row, row + s.experts);
        choices.push_back(order[i]);
        weights.push_back(std::exp(static_cast<double>(row[order[i]]) - largest) / (normalized ? chosen : all));
      }
    }
  }
};

void check_sort(bench::Checks& checks, const Shape& s, const std::vector<int>& choices) {
  const int count = s.tokens * s.each;
  const bench::Device<int> chosen(choices), offsets(s.experts + 1), places(count), rows(count);
  mixture_sort<<<1, mixture::kSortThreads>>>(chosen.data(), offsets.data(), places.data(), rows.data(), count, s.experts, s.each);
  done();
  std::vector<int> expected(s.experts + 1, 0);
  for (int choice : choices) expected[choice + 1]++;
  std::partial_sum(expected.begin(), expected.end(), expected.begin());
  checks.same("sort_" + s.label() + "_offsets", offsets.host(), expected, offsets.guards_hold());
  const std::vector<int> place = places.host(), row = rows.host();
  std::vector<int> taken(count, 0);
  double wrong = 0;
  for (int i = 0; i < count; i++) {
    const int at = place[i];
    const bool inside = at >= expected[choices[i]] && at < expected[choices[i] + 1];
    if (!inside || taken[at]++ > 0 || row[at] != i / s.each) wrong++;
  }
  checks.within("sort_" + s.label() + "_places", wrong, 0, places.guards_hold() && rows.guards_hold());
}

void check_route(bench::Checks& checks, const Shape& s, bool normalized) {
  std::vector<float> scores = random_floats(static_cast<size_t>(s.tokens) * s.experts, 1);
  for (int i = 0; i < s.experts; i++) scores[i] = static_cast<float>(i % 3);  // equals
  const Routes expected(s, scores, normalized);
  const bench::Device<float> in(scores), weights(expected.weights.size());
  const bench::Device<int> choices(expected.choices.size());
  mixture_route<<<(s.tokens + 3) / 4, mixture::kRouteThreads>>>(in.data(), choices.data(), weights.data(), s.tokens, s.experts, s.each,
                                                                static_cast<int>(normalized));
  done();
  const std::string name = "route_" + s.label() + (normalized ? "_normalized" : "");
  checks.same(name, choices.host(), expected.choices, choices.guards_hold());
  const std::vector<float> found = weights.host();
  checks.within(name + "_weights", bench::relative_error(std::vector<double>(found.begin(), found.end()), expected.weights), 1e-6,
                weights.guards_hold());
  if (normalized) check_sort(checks, s, expected.choices);
}

void check_sums(bench::Checks& checks, const Shape& s) {
  const size_t rows = static_cast<size_t>(s.tokens) * s.each;
  const Routes routes(s, random_floats(static_cast<size_t>(s.tokens) * s.experts, 2), true);
  const std::vector<float> by(routes.weights.begin(), routes.weights.end());
  const std::vector<uint16_t> sorted = random_bf16(rows * s.n, 3), before = random_bf16(static_cast<size_t>(s.tokens) * s.n, 4);
  std::vector<int> place(rows);
  std::iota(place.begin(), place.end(), 0);
  std::reverse(place.begin(), place.end());
  const bench::Device<uint16_t> from(sorted), y(before);
  const bench::Device<int> places(place), choices(routes.choices);
  const bench::Device<float> weights(by);
  mixture_sum<<<dim3((s.n / 8 + 255) / 256, std::min(s.tokens, 65535)), mixture::kThreads>>>(
      reinterpret_cast<const __nv_bfloat16*>(from.data()), places.data(), weights.data(), reinterpret_cast<__nv_bfloat16*>(y.data()), s.tokens,
      s.n, s.each);
  const std::vector<float> x = random_floats(before.size(), 5), old = random_floats(before.size(), 6);
  const bench::Device<float> in(x), out(old);
  const int expert = routes.choices[0];
  mixture_add_fp32<<<dim3((s.n + 255) / 256, std::min(s.tokens, 65535)), mixture::kThreads>>>(in.data(), choices.data(), weights.data(), out.data(),
                                                                                             s.tokens, s.n, s.each, expert);
  done();
  std::vector<uint16_t> expected;
  std::vector<float> added = old;
  for (int token = 0; token < s.tokens; token++) {
    for (int i = 0; i < s.n; i++) {
      float total = 0;
      for (int j = 0; j < s.each; j++) {
        const size_t choice = static_cast<size_t>(token) * s.each + j;
        total = std::fma(by[choice], from_bf16(sorted[static_cast<size_t>(place[choice]) * s.n + i]), total);
        float& number = added[static_cast<size_t>(token) * s.n + i];
        if (routes.choices[choice] == expert) number = std::fma(by[choice], x[static_cast<size_t>(token) * s.n + i], number);
      }
      expected.push_back(to_bf16(from_bf16(before[static_cast<size_t>(token) * s.n + i]) + total));
    }
  }
  checks.same("sum_" + s.label(), y.host(), expected, y.guards_hold());
  checks.same("add_fp32_" + s.label(), out.host(), added, out.guards_hold());
}

void time_all(const Shape& s) {
  const size_t rows = static_cast<size_t>(s.tokens) * s.each;
  const bench::Device<float> scores(random_floats(static_cast<size_t>(s.tokens) * s.experts, 7)), weights(rows);
  const bench::Device<int> choices(rows), offsets(s.experts + 1), places(rows), order(rows);
  const bench::Device<uint16_t> sorted(random_bf16(rows * s.n, 8)), y(random_bf16(static_cast<size_t>(s.tokens) * s.n, 9));
  const auto report = [&](const char* what, double bytes, const std::function<void(cudaStream_t)>& body) {
    bench::report("mixture", s.label(), what, bench::median_us(20, [&](cudaStream_t stream, int) { body(stream); }), bytes, 0);
  };
  report("route", 4.0 * s.tokens * s.experts, [&](cudaStream_t stream) {
    mixture_route<<<(s.tokens + 3) / 4, mixture::kRouteThreads, 0, stream>>>(scores.data(), choices.data(), weights.data(), s.tokens, s.experts,
                                                                             s.each, 1);
  });
  report("sort", 12.0 * static_cast<double>(rows), [&](cudaStream_t stream) {
    mixture_sort<<<1, mixture::kSortThreads, 0, stream>>>(choices.data(), offsets.data(), places.data(), order.data(), static_cast<int>(rows),
                                                          s.experts, s.each);
  });
  report("sum", 2.0 * static_cast<double>(rows + 2 * s.tokens) * s.n, [&](cudaStream_t stream) {
    mixture_sum<<<dim3((s.n / 8 + 255) / 256, s.tokens), mixture::kThreads, 0, stream>>>(
        reinterpret_cast<const __nv_bfloat16*>(sorted.data()), places.data(), weights.data(), reinterpret_cast<__nv_bfloat16*>(y.data()), s.tokens,
        s.n, s.each);
  });
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options = bench::Options::parse(argc, argv);
  bench::Checks checks("mixture");
  if (!options.time_only) {
    for (const Shape& s : {Shape{1, 4, 2, 8}, Shape{67, 8, 2, 72}, Shape{130, 128, 8, 2056}, Shape{9, 512, 16, 64}}) {
      for (bool normalized : {false, true}) check_route(checks, s, normalized);
      check_sums(checks, s);
    }
  }
  if (!options.check_only && checks.exit_code() == 0) {
    for (int tokens : {1, 16, 4096}) time_all({tokens, 128, 8, 2048});
  }
  return checks.exit_code();
}
