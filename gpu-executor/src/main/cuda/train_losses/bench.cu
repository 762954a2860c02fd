// Checks and times the losses of training without a JVM.
#include "train_losses.cu"

#include "../layer/bench_launch.cuh"

namespace {

using Bf16 = __nv_bfloat16;
using bench::Checks;
using bench::Device;
using bench::Random;
using Doubles = std::vector<double>;

constexpr int kFrontBytes = 112 << 10;

template <class T>
std::vector<T> random(size_t count, Random& random, double spread) {
  std::vector<T> values(count);
  for (T& value : values) {
    if constexpr (sizeof(T) == 2) value = bench::bf16_of(spread * random.normal());
    else value = static_cast<float>(spread * random.normal());
  }
  return values;
}

// Columns of `matrices` rows that stay in shared memory, as the Java launcher computes them.
int kept(int vocabulary, int bytes) { return std::min((vocabulary + 7) / 8 * 8, kFrontBytes / bytes / 8 * 8); }

template <class T>
struct Case {
  int rows, vocabulary;
  Device<T> logits, teacher;
  Device<int> targets;
  Device<float> losses;

  Case(int r, int v) : rows(r), vocabulary(v), logits(static_cast<size_t>(r) * v), teacher(logits.size()), targets(r), losses(r) {}

  void cross_entropy(cudaStream_t stream, float weight) {
    auto kernel = vocabulary % 8 == 0 ? train_losses_cross_entropy_8 : train_losses_cross_entropy_1;
    const int columns = kept(vocabulary, sizeof(T));
    CUDA_MUST(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kFrontBytes));
    bench::launch(stream, kernel, dim3(rows), 512, columns * sizeof(T), logits.data(), targets.data(), weight, losses.data(), vocabulary,
                  columns, sizeof(T) == 2 ? 1 : 0);
  }

  void divergence(cudaStream_t stream, float labels, float temperature, float weight) {
    auto kernel = vocabulary % 8 == 0 ? train_losses_divergence_8 : train_losses_divergence_1;
    const int columns = kept(vocabulary, 2 * sizeof(T));
    CUDA_MUST(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kFrontBytes));
    bench::launch(stream, kernel, dim3(rows), 512, 2 * columns * sizeof(T), logits.data(), teacher.data(), targets.data(), labels, temperature, weight,
                  losses.data(), vocabulary, columns, sizeof(T) == 2 ? 3 : 0);
  }
};

// softmax(x / t) of a row; returns the logarithm of the sum.
double softmax(const double* x, int count, double t, Doubles& p) {
  const double top = *std::max_element(x, x + count);
  double sum = 0;
  p.resize(count);
  for (int i = 0; i < count; i++) sum += p[i] = std::exp((x[i] - top) / t);
  for (double& one : p) one /= sum;
  return top / t + std::log(sum);
}

template <class T>
void check(Checks& checks, int rows, int vocabulary, double spread, uint64_t seed) {
  Random numbers(seed);
  Case<T> c(rows, vocabulary);
  const std::vector<T> x = random<T>(c.logits.size(), numbers, spread), y = random<T>(c.logits.size(), numbers, spread);
  std::vector<int> targets;
  for (int row = 0; row < rows; row++) targets.push_back(row % 4 == 2 ? -1 : row == 0 ? vocabulary - 1 : static_cast<int>(numbers.bits() % vocabulary));
  CUDA_MUST(cudaMemcpy(c.targets.data(), targets.data(), c.targets.bytes(), cudaMemcpyHostToDevice));
  const Doubles xs = bench::doubles(x), ys = bench::doubles(y);
  const std::string name = std::string(sizeof(T) == 2 ? "bf16 " : "fp32 ") + std::to_string(rows) + "x" + std::to_string(vocabulary);
  const double bound = sizeof(T) == 2 ? 3e-3 : 3e-6;
  for (int which = 0; which < 4; which++) {   // cross entropy, then temperatures 1 and 3, then 3 with labels
    const double t = which >= 2 ? 3 : 1, labels = which == 3 ? 0.5 : 0;
    std::vector<T> before;
    for (int run = 0; run < 2; run++) {
      CUDA_MUST(cudaMemcpy(c.logits.data(), x.data(), c.logits.bytes(), cudaMemcpyHostToDevice));
      CUDA_MUST(cudaMemcpy(c.teacher.data(), y.data(), c.teacher.bytes(), cudaMemcpyHostToDevice));
      c.losses.poison();
      if (which == 0) c.cross_entropy(nullptr, 0.25f);
      else c.divergence(nullptr, static_cast<float>(labels), static_cast<float>(t), 0.25f);
      CUDA_MUST(cudaDeviceSynchronize());
      if (run == 0) before = c.logits.host();
    }
    Doubles losses(rows), gradient(xs.size()), p, q;
    for (int row = 0; row < rows; row++) {
      const size_t at = static_cast<size_t>(row) * vocabulary;
      if (which == 0 && targets[row] < 0) continue;
      const double sum = softmax(&xs[at], vocabulary, t, p), right = softmax(&ys[at], vocabulary, t, q);
      if (which == 0) {
        losses[row] = sum - xs[at + targets[row]];
        for (int i = 0; i < vocabulary; i++) gradient[at + i] = 0.25 * (p[i] - (i == targets[row]));
        continue;
      }
      for (int i = 0; i < vocabulary; i++) {
        losses[row] += t * t * q[i] * ((ys[at + i] - xs[at + i]) / t - right + sum);
        gradient[at + i] = 0.25 * t * (p[i] - q[i]);
      }
      if (labels == 0 || targets[row] < 0) continue;
      losses[row] += labels * (softmax(&xs[at], vocabulary, 1, p) - xs[at + targets[row]]);
      for (int i = 0; i < vocabulary; i++) gradient[at + i] += 0.25 * labels * (p[i] - (i == targets[row]));
    }
    const std::string what = name + (which == 0 ? " cross entropy" : which == 1 ? " divergence 1" : which == 2 ? " divergence 3" : " divergence 3 with labels");
    checks.same(what + " again", c.logits.host(), before, c.logits.guards_hold() && c.losses.guards_hold() && c.teacher.guards_hold());
    checks.within(what + " losses", bench::relative_error(bench::doubles(c.losses.host()), losses), 2e-6);
    checks.within(what + " gradient", bench::relative_error(bench::doubles(before), gradient), bound);
  }
}

void time(int rows, int vocabulary) {
  Case<Bf16> c(rows, vocabulary);
  bench::fill_bf16(c.logits.data(), c.logits.bytes());
  bench::fill_bf16(c.teacher.data(), c.teacher.bytes());
  CUDA_MUST(cudaMemset(c.targets.data(), 0, c.targets.bytes()));
  const std::string shape = std::to_string(rows) + "x" + std::to_string(vocabulary);
  const double row = 2.0 * rows * vocabulary;
  bench::report("cross_entropy", shape, "bf16", bench::median_us(2, [&](cudaStream_t stream, int) { c.cross_entropy(stream, 1); }, 10), 2 * row, 0);
  bench::report("divergence", shape, "bf16", bench::median_us(2, [&](cudaStream_t stream, int) { c.divergence(stream, 0, 1, 1); }, 10), 3 * row, 0);
  bench::report("divergence with labels", shape, "bf16", bench::median_us(2, [&](cudaStream_t stream, int) { c.divergence(stream, 0.5f, 1, 1); }, 10), 3 * row, 0);
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options = bench::Options::parse(argc, argv);
  Checks checks("train_losses");
  if (!options.time_only) {
    check<float>(checks, 7, 49, 8, 1);
    check<float>(checks, 6, 1024, 8, 2);
    check<Bf16>(checks, 7, 333, 8, 3);
    check<Bf16>(checks, 5, 49152, 3, 4);
    check<Bf16>(checks, 3, 128256, 3, 5);
    check<float>(checks, 3, 49152, 3, 6);
  }
  const int code = checks.exit_code();
  if (options.check_only || code != 0) return code;
  time(4096, 49152);
  time(2048, 128256);
  return 0;
}
