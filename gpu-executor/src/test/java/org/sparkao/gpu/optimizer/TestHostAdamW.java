package org.sparkao.gpu.optimizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkao.gpu.GpuException;
import org.sparkao.quant.observe.Workers;
import org.sparkao.quant.safetensors.FileSink;
import org.sparkao.quant.safetensors.FileSource;

class TestHostAdamW {
  private static final int ELEMENTS = 3 * (1 << 16) + 256;
  private static final Workers PARALLEL =
      (count, piece) -> IntStream.range(0, count).parallel().forEach(piece::accept);

  /** Against the published algorithm in fp64, over steps with decay and clipping. */
  @Test
  void fp32StatesFollowTheAlgorithm() {
    AdamWSettings settings = new AdamWSettings(0.8, 0.99, 1e-6, 0.05);
    float[] values = random(1, 1000);
    double[] p = IntStream.range(0, values.length).mapToDouble(i -> values[i]).toArray();
    double[] m = new double[p.length];
    double[] v = new double[p.length];
    TrainedParameter parameter = OptimizerCase.parameter(TrainedParameter.Rounding.FP32, values);
    AdamWState state = AdamWState.zeros(OptimizerCase.CPU, StateFormat.FP32, p.length);
    for (int step = 1; step <= 20; step++) {
      float[] gradient = random(100 + step, p.length);
      float rate = 0.01f / step;
      AdamWStep now = new AdamWStep(settings, step, rate, 0.5f, 0);
      OptimizerCase.step(Workers.CALLER, parameter, gradient, state, now);
      for (int i = 0; i < p.length; i++) {
        double g = 0.5 * gradient[i];
        p[i] -= rate * 0.05 * p[i];
        m[i] = 0.8 * m[i] + 0.2 * g;
        v[i] = 0.99 * v[i] + 0.01 * g * g;
        double mean = m[i] / (1 - Math.pow(0.8, step));
        double square = v[i] / (1 - Math.pow(0.99, step));
        p[i] -= rate * mean / (Math.sqrt(square) + 1e-6);
      }
    }
    float[] found = OptimizerCase.values(parameter);
    for (int i = 0; i < p.length; i++) {
      assertThat((double) found[i]).isCloseTo(p[i], within(2e-6));
    }
  }

  @ParameterizedTest
  @EnumSource(StateFormat.class)
  void bitsDoNotDependOnThreads(StateFormat format) {
    assertThat(train(format, PARALLEL)).isEqualTo(train(format, Workers.CALLER));
  }

  @Test
  void stochasticRoundingIsRightInTheMean() {
    float exact = Math.fma(0x1p-8f, 0.25f, 1);
    float[] values = OptimizerCase.values(1 << 16, i -> exact);
    new StochasticRounding(7, 3, 11).round(values, 0, values.length);
    double mean = IntStream.range(0, values.length).mapToDouble(i -> values[i]).average().orElse(0);
    // A quarter of a step of 2^-7 over 2: up with probability 1/8; five standard deviations.
    double deviation = 0x1p-7 * Math.sqrt(0.125 * 0.875 / values.length);
    assertThat(mean).isCloseTo(exact, within(5 * deviation));
    assertThat(values).containsOnly(1, 1 + 0x1p-7f);
  }

  @Test
  void stochasticRoundingDrawsByElementNotByPiece() {
    float[] whole = random(5, 1000);
    float[] part = Arrays.copyOfRange(whole, 333, 777);
    new StochasticRounding(7, 3, 11).round(whole, 5_000_000_000L, 1000);
    new StochasticRounding(7, 3, 11).round(part, 5_000_000_333L, part.length);
    assertThat(part).isEqualTo(Arrays.copyOfRange(whole, 333, 777));
    assertThat(StochasticRounding.round(Float.NEGATIVE_INFINITY, 0))
        .isEqualTo(Float.NEGATIVE_INFINITY);
  }

  @Test
  void clipsByTheNormOfAllGradients() {
    List<GradientClipping.Squares> squares =
        List.of(new GradientClipping.Squares("a", 9), new GradientClipping.Squares("b", 16));
    GradientClipping clipping = new GradientClipping(1);
    assertThat(GradientClipping.norm(squares)).isEqualTo(5);
    assertThat(clipping.factor(5)).isEqualTo((float) (1 / 5.000001));
    assertThat(clipping.factor(0.9)).isEqualTo(1f);
    assertThat(new GradientClipping(Double.POSITIVE_INFINITY).factor(1e30)).isEqualTo(1f);
    assertThatThrownBy(
            () ->
                GradientClipping.norm(
                    List.of(new GradientClipping.Squares("layers.3.weight", Double.NaN))))
        .isInstanceOf(GpuException.class)
        .hasMessageContaining("layers.3.weight")
        .hasMessageContaining("NaN or infinite");
  }

  @Test
  void learningRateRisesAndFalls() {
    CosineSchedule schedule = new CosineSchedule(2, 4, 12, 0.1);
    assertThat(schedule.rate(1)).isEqualTo(0.5f);
    assertThat(schedule.rate(4)).isEqualTo(2f);
    assertThat(schedule.rate(8)).isCloseTo(1.1f, within(1e-6f));
    // cos(pi / 4) of the way between 0.2 and 2.
    assertThat(schedule.rate(6)).isCloseTo((float) (1.1 + 0.9 * Math.sqrt(0.5)), within(1e-6f));
    assertThat(schedule.rate(12)).isCloseTo(0.2f, within(1e-6f));
    assertThat(new CosineSchedule(2, 0, 1, 0).rate(1)).isEqualTo(2f);
    assertThatThrownBy(() -> schedule.rate(13)).hasMessageContaining("step 13 of 12");
  }

  @ParameterizedTest
  @EnumSource(StateFormat.class)
  void statesAreKeptBitForBit(StateFormat format, @TempDir Path folder) throws IOException {
    TrainedParameter parameter =
        OptimizerCase.parameter(TrainedParameter.Rounding.FP32, random(3, 8192));
    Map<String, AdamWState> states = zeros(format, 8192);
    OptimizerCase.step(Workers.CALLER, parameter, random(4, 8192), states.get("w"), step(1));
    Path file = folder.resolve("optimizer.safetensors");
    try (FileSink sink = FileSink.create(file)) {
      OptimizerFile.write(sink, states, Map.of("step", "1"));
    }
    Map<String, AdamWState> read = zeros(format, 8192);
    try (FileSource source = FileSource.open(file)) {
      assertThat(OptimizerFile.read(source, read)).isEqualTo(Map.of("step", "1"));
      assertThat(bytes(read.get("w"))).isEqualTo(bytes(states.get("w")));
      assertThatThrownBy(() -> OptimizerFile.read(source, zeros(format, 4096)))
          .isInstanceOf(GpuException.class)
          .hasMessageContaining("w.exp_avg.codes is")
          .hasMessageContaining("resume with the options");
    }
  }

  private static Map<String, AdamWState> zeros(StateFormat format, int elements) {
    Map<String, AdamWState> states = new LinkedHashMap<>();
    states.put("w", AdamWState.zeros(OptimizerCase.CPU, format, elements));
    states.put("norm", AdamWState.zeros(OptimizerCase.CPU, format, 64));
    return states;
  }

  private static List<ByteBuffer> bytes(AdamWState state) {
    List<ByteBuffer> all = new ArrayList<>();
    for (MomentState moment : List.of(state.first(), state.second())) {
      all.add(ByteBuffer.wrap(OptimizerCase.bytes(moment.codes())));
      moment.scales().map(OptimizerCase::bytes).map(ByteBuffer::wrap).ifPresent(all::add);
    }
    return all;
  }

  private static List<ByteBuffer> train(StateFormat format, Workers workers) {
    TrainedParameter parameter =
        OptimizerCase.parameter(TrainedParameter.Rounding.BF16_STOCHASTIC, random(1, ELEMENTS));
    AdamWState state = AdamWState.zeros(OptimizerCase.CPU, format, ELEMENTS);
    for (int step = 1; step <= 2; step++) {
      OptimizerCase.step(workers, parameter, random(step, ELEMENTS), state, step(step));
    }
    List<ByteBuffer> all = bytes(state);
    float[] values = OptimizerCase.values(parameter);
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length);
    bytes.asFloatBuffer().put(values);
    all.add(bytes);
    return all;
  }

  private static AdamWStep step(int number) {
    return new AdamWStep(AdamWSettings.DEFAULT, number, 0.01f, 1, 42);
  }

  private static float[] random(long seed, int count) {
    Random random = new Random(seed);
    return OptimizerCase.values(count, i -> random.nextGaussian());
  }
}
