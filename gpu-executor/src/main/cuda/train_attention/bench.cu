// Checks and times the kernels of attention in training without a JVM.
#include "train_attention.cu"

#include "bench_attention.cuh"
#include "bench_heads.cuh"

int main(int argc, char** argv) {
  const bench::Options options = bench::Options::parse(argc, argv);
  bench::Checks checks("train_attention");
  if (!options.time_only) {
    if (options.wants("heads")) heads_bench::check_all(checks);
    if (options.wants("attention")) attention_bench::check_all(checks);
  }
  const int code = checks.exit_code();
  if (options.check_only || code != 0) return code;
  if (options.wants("attention")) attention_bench::time_all();
  if (options.wants("heads")) heads_bench::time_all();
  return 0;
}
