// Bench of the decode GEMM: checks against plain loops in double, then times. Options of bench.cuh, and --tune: instead of timing the
// heuristic's choices, time all tilings and rings for e4m3 and print the best; --trace (built with -DDECODE_TRACE): nothing but where the
// time of a GEMM goes. -DBENCH_TIMEOUT makes a hanging barrier report itself.
#include "gemm_decode.cu"

#include "bench_checks.cuh"
#include "bench_trace.cuh"

// How many clusters of each size really run at once with a whole multiprocessor's shared memory, beside what plan.cuh supposes.
static void print_clusters(int multiprocessors) {
  const decode_bench::Family& family = decode_bench::families().front();
  for (int cluster = 1; cluster <= 4; cluster++) {
    gemm_decode::Launch plan{8, cluster, 128, 4, gemm_decode::kSharedBytes, 132 / cluster * cluster, 256, 0};
    cudaLaunchAttribute attribute{};
    attribute.id = cudaLaunchAttributeClusterDimension;
    attribute.val.clusterDim = {static_cast<unsigned>(cluster), 1, 1};
    cudaLaunchConfig_t config{};
    config.gridDim = dim3(plan.grid);
    config.blockDim = dim3(plan.threads);
    config.dynamicSmemBytes = plan.shared_bytes;
    config.attrs = &attribute;
    config.numAttrs = 1;
    int clusters = 0;
    const cudaError_t code = cudaOccupancyMaxActiveClusters(&clusters, family.kernel(plan), &config);
    std::printf("clusters of %d at once: %d, supposed %d %s\n", cluster, clusters, gemm_decode::clusters_at_once(cluster, multiprocessors),
                code == cudaSuccess ? "" : cudaGetErrorString(code));
  }
  cudaGetLastError();
}

int main(int argc, char** argv) {
  bool tune = false, trace = false;
  std::vector<char*> words;
  for (int i = 0; i < argc; i++) {
    if (std::strcmp(argv[i], "--tune") == 0) tune = true;
    else if (std::strcmp(argv[i], "--trace") == 0) trace = true;
    else words.push_back(argv[i]);
  }
  const bench::Options options = bench::Options::parse(static_cast<int>(words.size()), words.data());
  cudaDeviceProp device;
  CUDA_MUST(cudaGetDeviceProperties(&device, 0));
  decode_bench::allow_shared_memory();
#ifdef BENCH_TIMEOUT
  decode_bench::timeout_report();
#endif
  print_clusters(device.multiProcessorCount);
  if (trace) {
    decode_bench::trace_all(options, device.multiProcessorCount);
    return 0;
  }
  bench::Checks checks("gemm_decode");
  decode_bench::check_all(checks, options, device.multiProcessorCount);
  const int code = checks.exit_code();
  if (code != 0 || options.check_only) return code;
  if (tune) decode_bench::tune(options, device.multiProcessorCount);
  else decode_bench::time_chosen(options, device.multiProcessorCount);
  return 0;
}
