package org.sparkao.jobs.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.gpu.device.DeviceInfo.Kind;
import org.sparkao.quant.QuantException;

/** What computes, from request and settings, without Spark and without a GPU. */
class TestDevicePlanner {
  private static final DeviceInfo H100 =
      new DeviceInfo(Kind.CUDA, 0, "NVIDIA H100 80GB HBM3", "sm_90", 80L << 30, 132, 3352);
  private static final GpuSight NONE = new GpuSight(List.of(), "no NVIDIA driver: install it");
  private static final GpuSight ONE = new GpuSight(List.of(H100), "one");

  private static DevicePlan plan(GpuSight sight, DeviceRequest request, String... settings) {
    Map<String, String> map = new HashMap<>();
    for (String setting : settings) {
      map.put(
          setting.substring(0, setting.indexOf('=')), setting.substring(setting.indexOf('=') + 1));
    }
    return new DevicePlanner(() -> sight).plan(request, map, Optional::empty);
  }

  @Test
  void localModeLooksAtThisMachine() {
    DevicePlan gpu = plan(ONE, DeviceRequest.AUTO, "spark.master=local[4]");
    assertThat(gpu.text()).isEqualTo("device: cuda (auto: cuda:0 (NVIDIA H100 80GB HBM3, sm_90))");
    assertThat(gpu.sparkSettings())
        .containsOnly(
            Map.entry("spark.plugins", "org.sparkao.jobs.gpu.GpuPlugin"),
            Map.entry("spark.executorEnv.CUDA_DEVICE_ORDER", "PCI_BUS_ID"));
    assertThat(plan(ONE, DeviceRequest.CUDA).text()).contains("cuda (as asked: cuda:0");
    DevicePlan cpu = plan(NONE, DeviceRequest.AUTO);
    assertThat(cpu.text()).isEqualTo("device: cpu (auto: no NVIDIA driver: install it)");
    assertThat(cpu.sparkSettings()).isEmpty();
    assertThatThrownBy(() -> plan(NONE, DeviceRequest.CUDA))
        .isInstanceOf(QuantException.class)
        .hasMessage("--device cuda: no NVIDIA driver: install it");
  }

  @Test
  void localModeTakesAllThatAreAlike() {
    DeviceInfo second = new DeviceInfo(Kind.CUDA, 1, "NVIDIA H100", "sm_90", 1L << 30, 132, 3352);
    GpuSight two = new GpuSight(List.of(H100, second), "two");
    assertThat(plan(two, DeviceRequest.AUTO).text())
        .isEqualTo(
            "device: cuda (auto: cuda:0 (NVIDIA H100 80GB HBM3, sm_90), cuda:1 (NVIDIA H100,"
                + " sm_90))");
    DeviceInfo older = new DeviceInfo(Kind.CUDA, 2, "NVIDIA A100", "sm_80", 1L << 30, 108, 2039);
    DeviceInfo slower =
        new DeviceInfo(Kind.CUDA, 3, "NVIDIA H100 PCIe", "sm_90", 1L << 30, 114, 2039);
    GpuSight four = new GpuSight(List.of(H100, second, older, slower), "four");
    assertThat(plan(four, DeviceRequest.AUTO).text())
        .contains("cuda:1 (NVIDIA H100, sm_90); those that sum in another order than the first")
        .doesNotContain("A100", "PCIe");
  }

  @Test
  void theProcessorIsNeverAskedTwice() {
    assertThat(plan(ONE, DeviceRequest.CPU).text()).isEqualTo("device: cpu (as asked)");
  }

  @Test
  void pluginsOfTheUserStay() {
    assertThat(plan(ONE, DeviceRequest.AUTO, "spark.plugins=a.B,c.D").sparkSettings())
        .containsEntry("spark.plugins", "a.B,c.D,org.sparkao.jobs.gpu.GpuPlugin");
    assertThat(
            plan(ONE, DeviceRequest.AUTO, "spark.plugins=org.sparkao.jobs.gpu.GpuPlugin")
                .sparkSettings())
        .doesNotContainKey("spark.plugins");
  }

  @Test
  void workThatGpusCannotDoStaysOnTheProcessor() {
    DevicePlanner planner = new DevicePlanner(() -> ONE);
    assertThat(
            planner.plan(DeviceRequest.AUTO, Map.of(), () -> Optional.of("hqq: CPU only")).text())
        .isEqualTo("device: cpu (auto: hqq: CPU only)");
    assertThatThrownBy(
            () -> planner.plan(DeviceRequest.CUDA, Map.of(), () -> Optional.of("hqq: CPU only")))
        .hasMessage("--device cuda: hqq: CPU only");
  }

  @Test
  void executorsOfAClusterAreAsked() {
    String master = "spark.master=spark://host:7077";
    String amount = "spark.executor.resource.gpu.amount=1";
    DevicePlan plan = plan(NONE, DeviceRequest.AUTO, master, amount);
    assertThat(plan).isInstanceOf(DevicePlan.AskExecutors.class);
    assertThat(plan.sparkSettings()).containsKey("spark.plugins");
    assertThat(plan.text())
        .isEqualTo("device: auto, cuda if the executors can use the GPUs they ask for, else cpu");
    assertThat(plan(ONE, DeviceRequest.AUTO, master).text())
        .startsWith("device: cpu (auto: the executors of spark://host:7077 ask for no GPU");
    assertThatThrownBy(() -> plan(ONE, DeviceRequest.CUDA, master))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("add --conf spark.executor.resource.gpu.amount=1");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          local[2]              | task=1               | master local[2] hands out no GPUs
          local                 | executor=1           | master local hands out no GPUs
          spark://h:1           | task=1               | executors ask for no GPU
          spark://h:1           | executor=2           | an executor works on one GPU
          spark://h:1           | executor=1,task=2    | more than the 1 of an executor
          local-cluster[1,1,1]  | executor=1,task=1    | workers of local-cluster[1,1,1] offer 0
          local-cluster[1,1,1]  | executor=1,worker=.5 | offer 0.5, so that no executor could ever
          spark://h:1           | executor=x           | not a positive number
          spark://h:1           | executor=-1          | not a positive number
          """)
  void amountsThatNobodyCanGiveAreRefused(String master, String amounts, String message) {
    Map<String, String> settings = new HashMap<>(Map.of("spark.master", master));
    for (String amount : amounts.split(",")) {
      String[] parts = amount.split("=");
      settings.put("spark." + parts[0] + ".resource.gpu.amount", parts[1]);
    }
    for (DeviceRequest request : DeviceRequest.values()) {
      assertThatThrownBy(
              () -> new DevicePlanner(() -> ONE).plan(request, settings, Optional::empty))
          .isInstanceOf(QuantException.class)
          .hasMessageStartingWith("spark.")
          .hasMessageContaining(message);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DeviceRequest.class,
      names = {"AUTO", "CUDA"})
  void sharesOfAGpuAreGood(DeviceRequest request) {
    assertThat(
            plan(
                NONE,
                request,
                "spark.master=local-cluster[1,8,8192]",
                "spark.worker.resource.gpu.amount=2",
                "spark.executor.resource.gpu.amount=1",
                "spark.task.resource.gpu.amount=0.25"))
        .isInstanceOf(DevicePlan.AskExecutors.class);
  }
}
