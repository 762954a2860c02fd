// Checks sample_tokens against loops on the host that sort, and a row alone against the same among others; then times it on the
// vocabulary of SmolLM2.
#include "sample.cu"

#include "bench.cuh"

namespace {

struct Settings {
  std::string name;
  double temperature;
  int top_k;
  double top_p;
  float scale() const { return static_cast<float>(1 / (temperature * std::log(2.0))); }
  uint64_t share() const { return top_p == 1 ? 0 : static_cast<uint64_t>(top_p * 0x1p63) << 1; }
};

const std::vector<Settings> kSettings = {{"plain", 1.0, 0, 1.0}, {"cold", 0.6, 0, 1.0}, {"top_k", 1.0, 50, 1.0}, {"top_p", 1.0, 0, 0.9},
                                         {"top_k_top_p", 0.8, 40, 0.95}};
constexpr uint64_t kSeed = 0x1122334455667788ull;

uint64_t high_half_of(uint64_t a, uint64_t b) { return static_cast<uint64_t>(static_cast<unsigned __int128>(a) * b >> 64); }

std::vector<float> random_logits(size_t count, uint64_t seed) {
  bench::Random random(seed);
  std::vector<float> values(count);
  for (float& value : values) value = 4 * random.normal();
  return values;
}

std::vector<int4> asked(int rows) {
  std::vector<int4> all(rows);
  for (int i = 0; i < rows; i++) all[i] = {i % 7 == 6 ? sample::kGreedy : i % 5 == 4 ? sample::kForbids : 0, 3 * i, i, -i};
  return all;
}

// The token of a row: what stays by sorting, then the running sum.
int expected(std::vector<float> row, const int4& of, const std::vector<int>& forbidden, const Settings& s) {
  if (of.x & sample::kForbids) {
    for (int token : forbidden) {
      if (token < static_cast<int>(row.size())) row[token] = -INFINITY;
    }
  }
  std::vector<int> order(row.size());
  for (size_t i = 0; i < order.size(); i++) order[i] = static_cast<int>(i);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return row[a] > row[b]; });
  const float largest = row[order[0]];
  if (of.x & sample::kGreedy) return order[0];
  std::vector<uint64_t> weights(row.size());
  size_t stays = s.top_k == 0 ? row.size() : std::min<size_t>(s.top_k, row.size());
  while (stays < row.size() && row[order[stays]] == row[order[stays - 1]]) stays++;
  uint64_t total = 0;
  for (size_t i = 0; i < stays; i++) total += weights[order[i]] = sample::weight(row[order[i]], largest, s.scale());
  if (s.share() != 0) {
    const uint64_t wanted = high_half_of(s.share(), total) + 1;
    uint64_t reached = 0;
    size_t nucleus = 0;
    while (reached < wanted) reached += weights[order[nucleus++]];
    while (nucleus < stays && row[order[nucleus]] == row[order[nucleus - 1]]) reached += weights[order[nucleus++]];
    for (size_t i = nucleus; i < order.size(); i++) weights[order[i]] = 0;
    total = reached;
  }
  const sample::Words words = sample::philox({static_cast<uint32_t>(of.y), static_cast<uint32_t>(of.z), static_cast<uint32_t>(of.w), 0},
                                             static_cast<uint32_t>(kSeed), static_cast<uint32_t>(kSeed >> 32));
  const uint64_t point = high_half_of(words.x[0] | static_cast<uint64_t>(words.x[1]) << 32, total);
  uint64_t sum = 0;
  int token = -1;
  while (sum <= point) sum += weights[++token];
  return token;
}

void launch(float* logits, const int4* rows, const bench::Device<int>& forbidden, int* next, int count, int vocabulary, const Settings& s,
            cudaStream_t stream) {
  sample_tokens<<<count, sample::kThreads, 0, stream>>>(logits, rows, forbidden.data(), next, kSeed, s.share(), vocabulary,
                                                        static_cast<int>(forbidden.size()), s.top_k, s.scale());
  LAUNCHED();
}

std::vector<int> tokens(const std::vector<float>& logits, const std::vector<int4>& rows, const std::vector<int>& forbidden, const Settings& s,
                        bool& guards) {
  const bench::Device<float> values(logits);
  const bench::Device<int4> draws(rows);
  const bench::Device<int> ends(forbidden);
  bench::Device<int> next(rows.size());
  launch(values.data(), draws.data(), ends, next.data(), static_cast<int>(rows.size()), static_cast<int>(logits.size() / rows.size()), s, nullptr);
  CUDA_MUST(cudaDeviceSynchronize());
  guards = guards && next.guards_hold() && values.guards_hold();
  return next.host();
}

void check(bench::Checks& checks, const Settings& s, int vocabulary) {
  const int count = 35;
  const std::vector<float> logits = random_logits(static_cast<size_t>(count) * vocabulary, vocabulary);
  const std::vector<int4> rows = asked(count);
  const std::vector<int> forbidden = {0, 2, vocabulary - 2, vocabulary};
  bool guards = true;
  const std::vector<int> found = tokens(logits, rows, forbidden, s, guards);
  std::vector<int> wanted;
  for (int i = 0; i < count; i++) {
    const auto begin = logits.begin() + static_cast<size_t>(i) * vocabulary;
    wanted.push_back(expected(std::vector<float>(begin, begin + vocabulary), rows[i], forbidden, s));
  }
  const std::string name = s.name + "_" + std::to_string(vocabulary);
  checks.same(name, found, wanted, guards);
  const std::vector<float> last(logits.end() - vocabulary, logits.end());
  checks.same(name + "_alone", tokens(last, {rows.back()}, forbidden, s, guards), {found.back()}, guards);
}

// Logits in two buffers that exceed L2 together, as a step of decoding finds them: written by the head just before.
void time(const Settings& s, int count, int vocabulary) {
  const size_t size = static_cast<size_t>(count) * vocabulary;
  std::vector<bench::Device<float>> logits;
  for (int i = 0; i < 2; i++) logits.emplace_back(random_logits(size, 5 + i));
  std::vector<int4> rows(count);
  for (int i = 0; i < count; i++) rows[i] = {0, i, i, 0};
  const bench::Device<int4> draws(rows);
  const bench::Device<int> forbidden(std::vector<int>{0});
  bench::Device<int> next(count);
  const double us = bench::median_us(2, [&](cudaStream_t stream, int i) {
    launch(logits[i].data(), draws.data(), forbidden, next.data(), count, vocabulary, s, stream);
  });
  bench::report("sample_tokens", std::to_string(count) + "x" + std::to_string(vocabulary), s.name, us, 4.0 * static_cast<double>(size), 0);
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options = bench::Options::parse(argc, argv);
  bench::Checks checks("sample");
  if (!options.time_only) {
    for (const Settings& s : kSettings) {
      for (int vocabulary : {5, 33, 1001, 8192, 49152, 151936}) {
        if (options.wants(s.name) && (!options.smallest || vocabulary < 1000)) check(checks, s, vocabulary);
      }
    }
  }
  if (!options.check_only && checks.exit_code() == 0) {
    for (const Settings& s : kSettings) {
      for (int count : {16, 256, 2048}) time(s, count, 49152);
    }
  }
  return checks.exit_code();
}
