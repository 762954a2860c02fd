package org.sparkao.jobs.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.sparkao.gpu.GpuException;
import org.sparkao.gpu.device.DeviceInfo.Kind;
import org.sparkao.quant.QuantException;

/** What follows from what executors say. */
class TestExecutorGpus {
  private static final GpuReport FIRST =
      new GpuReport("0", "a", true, "cuda:0 (NVIDIA H100 80GB HBM3, sm_90)");
  private static final GpuReport SECOND =
      new GpuReport("1", "a", true, "cuda:1 (NVIDIA H100 80GB HBM3, sm_90)");
  private static final GpuReport WITHOUT =
      new GpuReport("2", "b", false, "executor 2 on b has no GPU: no NVIDIA driver");

  @Test
  void allMustHaveOne() {
    PlannedDevice all = ExecutorGpus.decide(DeviceRequest.AUTO, List.of(FIRST, SECOND));
    assertThat(all)
        .isEqualTo(new PlannedDevice(Kind.CUDA, "auto: 2 x NVIDIA H100 80GB HBM3, sm_90"));
    PlannedDevice some = ExecutorGpus.decide(DeviceRequest.AUTO, List.of(FIRST, WITHOUT));
    assertThat(some.text())
        .isEqualTo(
            "device: cpu (auto: 1 of 2 executors: executor 2 on b has no GPU: no NVIDIA driver)");
  }

  @Test
  void whoAsksForGpusGetsThemOrARefusal() {
    assertThat(ExecutorGpus.decide(DeviceRequest.CUDA, List.of(FIRST)).text())
        .isEqualTo("device: cuda (as asked: 1 x NVIDIA H100 80GB HBM3, sm_90)");
    assertThatThrownBy(() -> ExecutorGpus.decide(DeviceRequest.CUDA, List.of(WITHOUT, FIRST)))
        .isInstanceOf(QuantException.class)
        .hasMessage(
            "--device cuda: 1 of 2 executors: executor 2 on b has no GPU: no NVIDIA driver");
  }

  @Test
  void reportsTravelAsText() {
    assertThat(GpuReport.fromJson(WITHOUT.toJson())).isEqualTo(WITHOUT);
    assertThat(FIRST.line()).isEqualTo("executor 0 on a has cuda:0 (NVIDIA H100 80GB HBM3, sm_90)");
  }

  @Test
  void anExecutorHasOneAddress() {
    assertThat(GpuBinding.ordinal(List.of("3"))).isEqualTo(3);
    assertThatThrownBy(() -> GpuBinding.ordinal(List.of()))
        .isInstanceOf(GpuException.class)
        .hasMessageContaining("Spark gave this executor no GPU");
    assertThatThrownBy(() -> GpuBinding.ordinal(List.of("0", "1")))
        .hasMessageContaining("the GPUs [0, 1], and it works on one");
    assertThatThrownBy(() -> GpuBinding.ordinal(List.of("GPU-7")))
        .hasMessageContaining("use conf/gpu-discovery.sh");
  }
}
