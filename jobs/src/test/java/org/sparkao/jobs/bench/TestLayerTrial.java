package org.sparkao.jobs.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.layer.AttentionLayer;
import org.sparkao.gpu.layer.AttentionLayer.Part;
import org.sparkao.gpu.layer.AttentionShape;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.layer.LayerOperators;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.config.ConfigKey;
import org.sparkao.jobs.config.ConfigLayer;
import org.sparkao.quant.QuantException;

/** What {@code bench layer} is told, costs and checks, without a GPU. */
class TestLayerTrial {
  /** Weights of hidden x hidden and of 10240 rows of qkv: Llama-3 70B, by hand. */
  @Test
  void countsWhatIsMoved() {
    LayerTrial trial = trial(Map.of());
    assertThat(trial.rows()).containsExactly(1, 16, 64);
    assertThat(trial.label(1)).isEqualTo("1 x 2048 positions, hidden 8192, 64/8 heads of 128");
    assertThat(trial.bytes(Part.INPUT_NORM, 1)).isEqualTo(16384 + 16384 + 8192 + 4);
    assertThat(trial.bytes(Part.QKV, 1))
        .isEqualTo(10240L * 8192 + 4 * 10240 + 8192 + 4 + 2 * 10240);
    assertThat(trial.bytes(Part.ROTATION, 2)).isEqualTo(2 * 2 * (10240 + 8192 + 1024 + 2 * 1024));
    assertThat(trial.bytes(Part.ATTENTION, 2))
        .isEqualTo(2 * (2L * 2 * 2048 * 8 * 128 + 2 * 8192 + 2 * 8192));
    assertThat(trial.bytes(Part.QUANTIZATION, 1)).isEqualTo(2 * 8192 + 8192 + 4);
    assertThat(trial.bytes(Part.OUTPUT, 1))
        .isEqualTo(8192L * 8192 + 4 * 8192 + 8192 + 4 + 2 * 2 * 8192);
    assertThat(trial.operations(Part.QKV, 3)).isEqualTo(2L * 3 * 10240 * 8192);
    assertThat(trial.operations(Part.ATTENTION, 1)).isEqualTo(2L * 2 * 2048 * 64 * 128);
    assertThat(trial.operations(Part.ROTATION, 1)).isZero();
  }

  @Test
  void takesOtherRowsAndContexts() {
    LayerTrial trial = trial(Map.of("m", List.of("8", "128"), "context", List.of("300")));
    assertThat(trial.rows()).containsExactly(8, 128);
    assertThat(trial.context()).isEqualTo(300);
    assertThatThrownBy(() -> trial(Map.of("m", List.of("129"))))
        .isInstanceOf(QuantException.class)
        .hasMessage("--m 129: bench layer decodes 1 to 128 tokens at a time");
  }

  /** On the processor everything is like the reference, and something else is not. */
  @Test
  void samplesFindWrongRows() {
    LayerTrial trial =
        new LayerTrial(new AttentionShape(64, new HeadShape(2, 1, 64)), 5, List.of(2));
    try (CpuDevice cpu = CpuDevice.open()) {
      LayerOperators operators = LayerOperators.reference(cpu);
      AttentionLayer.Size size =
          new AttentionLayer.Size(trial.shape(), LayerTrial.CACHE, 2, trial.context());
      try (LayerProjections weights = new LayerProjections(operators, trial.shape(), 1);
          LayerRows rows = new LayerRows(cpu, trial, 2, 1);
          AttentionLayer layer = new AttentionLayer(operators, size)) {
        layer.run(weights.copy(0), rows.call(0));
        LayerSample sample = new LayerSample(trial, weights);
        sample.check(rows, 2);
        cpu.write(rows.lastRow(rows.call(0).y()), 0, RandomBuffers.bytes(32));
        assertThatThrownBy(() -> sample.check(rows, 2))
            .isInstanceOf(IllegalStateException.class)
            .hasMessageStartingWith("2 x 5 positions, hidden 64, 2/1 heads of 64: the last row")
            .hasMessageEndingWith("and 0.03 is allowed: nothing was timed");
      }
    }
  }

  private static LayerTrial trial(Map<String, List<String>> more) {
    Map<String, List<String>> values = new LinkedHashMap<>(more);
    values.put("what", List.of("layer"));
    List<ConfigKey<?>> keys = new ArrayList<>(new BenchJob().keys());
    keys.addAll(CommonKeys.all());
    return LayerTrial.of(Config.resolve(keys, List.of(new ConfigLayer("test", values))));
  }
}
