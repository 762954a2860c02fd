package org.sparkao.jobs.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.gemm.GemmCall;
import org.sparkao.gpu.gemm.GemmWeights;

/** The look at results before times are taken, with the reference in the place of a GPU. */
class TestGemmSample {
  @ParameterizedTest
  @CsvSource({
    "e4m3,tensor,decode", "e4m3,row,decode", "e4m3,block,decode", "e4m3,none,prefill",
    "int8,row,prefill", "bf16,row,decode", "int4,row,prefill", "int4-e4m3,row,decode",
    "int4-fp16,row,decode", "e4m3,row,sparse", "bf16,row,sparse"
  })
  void findsWhatIsWrong(String type, String scales, String family) {
    GemmTrial trial =
        TestGemmTrials.trials(
                Map.of(
                    "type", List.of(type),
                    "scales", List.of(scales),
                    "family", List.of(family),
                    "m", List.of("20"),
                    "shape", List.of("272x384")))
            .get(0);
    try (CpuDevice cpu = CpuDevice.open();
        GemmOperands operands = new GemmOperands(cpu, trial)) {
      GemmFamily.Multiplier reference = trial.family().reference();
      GemmWeights weights = reference.prepare(trial.gemm(), operands.matrix());
      Buffer workspace = cpu.allocate(reference.workspaceBytes(trial.gemm(), 20));
      GemmCall call = operands.call(20, 0);
      reference.multiply(weights, call, workspace);
      GemmSample sample = new GemmSample(trial, cpu);
      sample.check(operands.matrix(), call);
      assertThat(operands.call(20, 1).y()).isNotSameAs(call.y());

      // The last column of the last row becomes a NaN.
      cpu.write(call.y(), 2 * (20 * 272 - 1), ByteBuffer.wrap(new byte[] {-1, -1}));
      assertThatThrownBy(() -> sample.check(operands.matrix(), call))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("M = 20: columns from 256 on differ from the reference by NaN")
          .hasMessageEndingWith("nothing was timed");
    }
  }
}
