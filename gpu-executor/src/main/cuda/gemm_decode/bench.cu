// Bench of the decode GEMM: checks against plain loops in double, then times. Options of bench.cuh, and --tune: instead of timing the
// heuristic's choices, time everything that could be launched for e4m3; --trace (built with -DDECODE_TRACE): nothing but where the
// time of a GEMM goes. -DBENCH_TIMEOUT makes a hanging barrier report itself.
#include "gemm_decode.cu"

#include "bench_checks.cuh"
#include "bench_trace.cuh"

int main(int argc, char** argv) {
  bool tune = false, trace = false;
  std::vector<char*> words;
  for (int i = 0; i < argc; i++) {
    if (std::strcmp(argv[i], "--tune") == 0) tune = true;
    else if (std::strcmp(argv[i], "--trace") == 0) trace = true;
    else words.push_back(argv[i]);
  }
  const bench::Options options = bench::Options::parse(static_cast<int>(words.size()), words.data());
  const gemm_decode::Card card = decode_bench::card();
  decode_bench::allow_shared_memory();
#ifdef BENCH_TIMEOUT
  decode_bench::timeout_report();
#endif
  if (trace) {
    decode_bench::trace_all(options, card);
    return 0;
  }
  bench::Checks checks("gemm_decode");
  if (!options.time_only) decode_bench::check_all(checks, options, card);
  const int code = checks.exit_code();
  if (code != 0 || options.check_only) return code;
  if (tune) decode_bench::tune(options);
  else decode_bench::time_chosen(options, card);
  return 0;
}
