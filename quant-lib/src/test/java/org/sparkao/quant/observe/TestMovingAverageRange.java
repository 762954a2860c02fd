package org.sparkao.quant.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.golden.GoldenFile;
import org.sparkao.quant.golden.GoldenFile.Tensor;
import org.sparkao.quant.observe.MovingAverageRange.Rule;

class TestMovingAverageRange {
  private static final int BATCHES = 4;

  @ParameterizedTest
  @ValueSource(strings = {"fp8_tensor", "int8_tensor_asym"})
  void equalsTheReferenceAfterEachBatch(String scheme) {
    Map<String, Tensor> golden =
        GoldenFile.read(GoldenFile.folder().resolve("algorithms/observers.safetensors"));
    float[] average = numbers(golden, "act.minmax." + scheme + ".minmax_after_each_batch");
    float[] all = numbers(golden, "act.static_minmax." + scheme + ".minmax_after_each_batch");
    float[] last = numbers(golden, "act.memoryless_minmax." + scheme + ".minmax_after_each_batch");
    float[] values = numbers(golden, "act_batches");
    MovingAverageRange moving =
        new MovingAverageRange(Rule.WEIGHTED_SUM, MovingAverageRange.DEFAULT_SHARE);
    TensorRange whole = TensorRange.EMPTY;
    for (int batch = 0; batch < BATCHES; batch++) {
      TensorRange range = range(values, batch);
      moving.add(batch, range);
      whole = whole.merge(range);
      assertThat(range).isEqualTo(new TensorRange(last[2 * batch], last[2 * batch + 1]));
      assertThat(whole).isEqualTo(new TensorRange(all[2 * batch], all[2 * batch + 1]));
      assertThat(moving.range())
          .isEqualTo(new TensorRange(average[2 * batch], average[2 * batch + 1]));
    }
  }

  @Test
  void mergedPartsEqualTheWholeInAnyOrder() {
    List<TensorRange> batches =
        List.of(new TensorRange(-1, 2), new TensorRange(-8, 0.5f), new TensorRange(-3, 16));
    MovingAverageRange whole = new MovingAverageRange(Rule.STEP, 0.5);
    MovingAverageRange early = new MovingAverageRange(Rule.STEP, 0.5);
    MovingAverageRange late = new MovingAverageRange(Rule.STEP, 0.5);
    for (int batch = 0; batch < batches.size(); batch++) {
      TensorRange range = batches.get(batch);
      whole.add(batch, range);
      early.add(batch, new TensorRange(range.min(), range.min()));
      late.add(batch, new TensorRange(range.max(), range.max()));
    }
    // -1, then -4.5, then -3.75; 2, then 1.25, then 8.625.
    assertThat(whole.range()).isEqualTo(new TensorRange(-3.75f, 8.625f));
    late.merge(early);
    assertThat(late.range()).isEqualTo(whole.range());
  }

  @Test
  void nothingSeenIsTheEmptyRange() {
    assertThat(new MovingAverageRange(Rule.STEP, 1).range()).isEqualTo(TensorRange.EMPTY);
  }

  @Test
  void otherSharesDoNotMerge() {
    MovingAverageRange average = new MovingAverageRange(Rule.STEP, 0.5);
    assertThatThrownBy(() -> average.merge(new MovingAverageRange(Rule.STEP, 0.25)))
        .hasMessage("averages by STEP 0.5 and by STEP 0.25");
  }

  private static TensorRange range(float[] values, int batch) {
    int size = values.length / BATCHES;
    TensorRange range = TensorRange.EMPTY;
    for (int i = batch * size; i < (batch + 1) * size; i++) {
      range = range.merge(new TensorRange(values[i], values[i]));
    }
    return range;
  }

  private static float[] numbers(Map<String, Tensor> golden, String name) {
    byte[] bytes = golden.get(name).bytes();
    float[] numbers = new float[bytes.length / 4];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = WeightType.F32.read(bytes, 4 * i);
    }
    return numbers;
  }
}
