package org.sparkao.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.gpu.GpuErrors;
import org.sparkao.gpu.device.Devices;
import org.sparkao.gpu.gptq.CudaGptq;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.jobs.job.ExitCode;

/** What is planned to compute algorithms that look at the inputs of layers. */
class TestCalibratedDevice {
  @TempDir Path temp;

  private final Command command = new Command();

  /** gptq is refused for want of a GPU alone, the others because they have no kernels. */
  @ParameterizedTest
  @CsvSource({"gptq", "awq"})
  void deviceThatIsPlanned(String algorithm) throws IOException {
    assumeTrue(Devices.probe().devices().isEmpty(), "a GPU is there");
    Map<String, List<Long>> shapes = new LinkedHashMap<>(Checkpoints.llama(2, 128, 256));
    for (int i = 0; i < 2; i++) {
      shapes.put("model.layers." + i + ".post_attention_layernorm.weight", List.of(128L));
    }
    Path source = Checkpoints.write(temp.resolve("source"), shapes);
    Path calibration =
        new CalibrationFixture(source, 2, 128, 256).write(temp.resolve("calibration"), true);
    String noGpu =
        KernelLibrary.built(CudaGptq.KERNELS)
            ? Devices.probe().summary()
            : GpuErrors.noKernels(CudaGptq.KERNELS);
    String reason =
        algorithm.equals("gptq")
            ? noGpu
            : "algorithm awq runs on the CPU only; use --device cpu, or --algorithm rtn, mse or"
                + " gptq";
    List<String> arguments =
        List.of(
            "--scheme",
            "W4A16",
            "--algorithm",
            algorithm,
            "--calibration",
            calibration.toString(),
            "--dry-run",
            "--device");
    Path output = temp.resolve("output");
    assertThat(command.quantize(source, output, with(arguments, "cuda")))
        .isEqualTo(ExitCode.REFUSED);
    assertThat(command.err()).contains("--device cuda: " + reason);
    assertThat(command.quantize(source, output, with(arguments, "auto"))).isEqualTo(ExitCode.DONE);
    assertThat(command.out()).contains("device: cpu (auto: " + reason + ")");
  }

  private static String[] with(List<String> arguments, String last) {
    return Stream.concat(arguments.stream(), Stream.of(last)).toArray(String[]::new);
  }
}
