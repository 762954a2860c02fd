package org.sparkao.jobs.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.gpu.GpuErrors;
import org.sparkao.gpu.GpuException;
import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.gpu.device.DeviceProbe;
import org.sparkao.jobs.doctor.Finding.Level;
import org.sparkao.jobs.gpu.DeviceRequest;

/** GPUs that are absent, busy or wrong, without one. */
class TestGpuCheck {
  private static final long MEMORY = 80_000_000_000L;
  private static final DeviceInfo GPU =
      new DeviceInfo(DeviceInfo.Kind.CUDA, 0, "NVIDIA H100", "sm_90", MEMORY, 132, 3352);
  private static final DeviceProbe ONE =
      new DeviceProbe.Available(List.of(GPU), "CUDA 13.0, driver 580.1");
  private static final DeviceProbe NONE =
      new DeviceProbe.Unavailable(GpuErrors.noDriver("libcuda.so.1: no such file"));
  private static final GpuBuild WHOLE =
      new GpuBuild(List.of(), 2, List.of(), List.of("compute_80", "sm_90"));

  private static GpuCheck check(DeviceRequest request, DeviceProbe probe, GpuTrial trial) {
    return new GpuCheck(request, false, WHOLE, () -> probe, trial);
  }

  private static Finding last(GpuCheck check) {
    List<Finding> findings = check.look();
    return findings.get(findings.size() - 1);
  }

  private static GpuTrial result(long freeBytes, String wrong) {
    return device -> new GpuTrial.Result(freeBytes, wrong, "all is well");
  }

  @ParameterizedTest
  @CsvSource({"AUTO, false, WARN", "AUTO, true, FAIL", "CUDA, false, FAIL"})
  void absenceIsAsBadAsGpusAreWanted(DeviceRequest request, boolean signs, Level level) {
    Finding finding = last(new GpuCheck(request, signs, WHOLE, () -> NONE, result(MEMORY, "")));
    assertThat(finding.level()).isEqualTo(level);
    assertThat(finding.text())
        .isEqualTo("no NVIDIA driver: libcuda.so.1 cannot be loaded (libcuda.so.1: no such file)");
    assertThat(finding.fix())
        .isEqualTo("install the driver, in a container pass the GPU through, or use --device cpu");
  }

  @Test
  void theProcessorAloneLooksAtNoGpu() {
    GpuCheck check =
        check(
            DeviceRequest.CPU,
            NONE,
            device -> {
              throw new AssertionError();
            });
    assertThat(check.look()).containsExactly(Finding.ok("gpu", "not looked at: --device cpu"));
  }

  @Test
  void whatTheBuildLacksIsNamed() {
    GpuBuild none = new GpuBuild(List.of("JCuda (x.so)"), 2, List.of("gptq", "rows"), List.of());
    List<Finding> findings =
        new GpuCheck(DeviceRequest.AUTO, false, none, () -> NONE, result(MEMORY, "")).look();
    assertThat(findings).extracting(Finding::level).containsOnly(Level.WARN);
    assertThat(findings.get(0).text()).isEqualTo("no native library of JCuda (x.so)");
    assertThat(findings.get(0).fix()).startsWith("CUDA needs Linux on x86-64");
    assertThat(findings.get(1).text()).isEqualTo("this build has no CUDA kernels");
    assertThat(findings.get(1).fix()).startsWith("build with nvcc of CUDA 13.0 on PATH");
    GpuBuild part = new GpuBuild(List.of(), 2, List.of("gptq"), List.of("sm_90"));
    Finding lacking =
        new GpuCheck(DeviceRequest.AUTO, false, part, () -> NONE, result(MEMORY, "")).look().get(1);
    assertThat(lacking.level()).isEqualTo(Level.FAIL);
    assertThat(lacking.text()).isEqualTo("this build lacks the CUDA kernels of gptq");
  }

  @Test
  void aGoodGpuSaysWhatWasTried() {
    assertThat(check(DeviceRequest.AUTO, ONE, result(79_000_000_000L, "")).look())
        .containsExactly(
            Finding.ok("jcuda", "the native libraries of JCuda and JNA are there"),
            Finding.ok("kernels", "2 operations for compute_80, sm_90"),
            Finding.ok("driver", "CUDA 13.0, driver 580.1: cuda:0 (NVIDIA H100, sm_90)"),
            Finding.ok("gpu", "cuda:0 (NVIDIA H100, sm_90), 79.0 GB of 80.0 GB free; all is well"));
  }

  @Test
  void aGpuThatOthersUseIsAWarning() {
    Finding finding = last(check(DeviceRequest.AUTO, ONE, result(10_000_000_000L, "")));
    assertThat(finding.level()).isEqualTo(Level.WARN);
    assertThat(finding.fix()).contains("nvidia-smi", "spark.sparkao.gpu.memoryFraction");
  }

  @Test
  void aGpuThatComputesWrongFails() {
    Finding finding = last(check(DeviceRequest.AUTO, ONE, result(MEMORY, "1 + 1 = 3")));
    assertThat(finding.level()).isEqualTo(Level.FAIL);
    assertThat(finding.text()).isEqualTo("cuda:0 (NVIDIA H100, sm_90): 1 + 1 = 3");
    assertThat(finding.fix()).startsWith("do not use this GPU");
  }

  @Test
  void aGpuThatCannotBeOpenedFails() {
    Finding finding =
        last(
            check(
                DeviceRequest.AUTO,
                ONE,
                device -> {
                  throw new GpuException("cuda:0: cuCtxCreate failed; end other programs");
                }));
    assertThat(finding)
        .isEqualTo(Finding.fail("gpu", "cuda:0: cuCtxCreate failed", "end other programs"));
  }
}
