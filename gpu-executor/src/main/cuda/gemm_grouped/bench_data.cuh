// Random experts of the grouped bench: tokens sorted by expert, the weights of all experts, and the product in double.
#pragma once

#include <memory>

#include "../gemm_prefill/bench_data.cuh"

namespace {

struct Experts {
  Kind kind;
  int n, k;
  std::vector<Operands> experts;
  std::vector<float> bias;   // [experts, n]

  Experts(Kind kind_, const std::vector<int>& counts, int n_, int k_) : kind(kind_), n(n_), k(k_) {
    for (size_t e = 0; e < counts.size(); e++) experts.emplace_back(kind, counts[e], n, k, 100 + 10 * e);
    bench::Random random(3);
    for (size_t i = 0; i < counts.size() * n; i++) bias.push_back(random.normal());
  }

  // The first tokens of each expert, `limit` at most.
  int tokens(int expert, int limit) const { return std::min(experts[expert].m, limit); }

  std::vector<int> offsets(int limit) const {
    std::vector<int> offsets = {0};
    for (size_t e = 0; e < experts.size(); e++) offsets.push_back(offsets.back() + tokens(static_cast<int>(e), limit));
    return offsets;
  }

  std::vector<uint8_t> x(int limit) const {
    std::vector<uint8_t> all;
    for (size_t e = 0; e < experts.size(); e++) {
      const size_t bytes = static_cast<size_t>(tokens(static_cast<int>(e), limit)) * k * element_bytes(kind);
      all.insert(all.end(), experts[e].x.begin(), experts[e].x.begin() + bytes);
    }
    return all;
  }

  std::vector<float> x_scales(int limit) const {
    std::vector<float> all;
    const int each = kind == Kind::kE4m3Block ? blocks_of(kind, k) : 1;
    for (size_t e = 0; e < experts.size(); e++) {
      all.insert(all.end(), experts[e].x_scales.begin(), experts[e].x_scales.begin() + tokens(static_cast<int>(e), limit) * each);
    }
    return all;
  }

  std::vector<float> w_scales() const {
    std::vector<float> all;
    for (const Operands& o : experts) all.insert(all.end(), o.w_scales.begin(), o.w_scales.end());
    return all;
  }

  // The outputs of the first tokens of each expert, from those of all tokens.
  std::vector<float> first(const std::vector<float>& y, int limit) const {
    std::vector<float> some;
    size_t at = 0;
    for (size_t e = 0; e < experts.size(); e++) {
      some.insert(some.end(), y.begin() + at, y.begin() + at + static_cast<size_t>(tokens(static_cast<int>(e), limit)) * n);
      at += static_cast<size_t>(experts[e].m) * n;
    }
    return some;
  }
};

}  // namespace
