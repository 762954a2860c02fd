// Checks and times the attention kernels without a JVM.
#include "attention.cu"

#include "bench_decode.cuh"
#include "bench_prefill.cuh"

int main(int argc, char** argv) {
  const bench::Options options = bench::Options::parse(argc, argv);
  bench::Checks checks("attention");
  if (!options.time_only) {
    decode_bench::check_all(checks, options);
    prefill_bench::check_all(checks, options);
  }
  const int code = checks.exit_code();
  if (options.check_only || code != 0) return code;
  decode_bench::time_all(options);
  prefill_bench::time_all(options);
  return 0;
}
