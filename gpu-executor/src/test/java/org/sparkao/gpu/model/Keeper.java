package org.sparkao.gpu.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.sparkao.gpu.model.ExpertObserver.Shown;

/** Keeps everything that a block shows. */
final class Keeper implements BlockObserver {
  final Map<String, float[]> inputs = new HashMap<>();
  final Map<String, Integer> rows = new HashMap<>();
  private final Shown shown;
  float[] heads = {};

  Keeper(Shown shown) {
    this.shown = shown;
  }

  @Override
  public void input(String input, float[] x, int count) {
    assertThat(inputs).doesNotContainKey(input);
    inputs.put(input, x.clone());
    rows.put(input, count);
  }

  /** The rows that count; behind them arrays hold anything. */
  float[] seen(BlockInputs.Input input) {
    int count = rows.getOrDefault(input.name(), 0) * input.columns();
    return Arrays.copyOf(inputs.getOrDefault(input.name(), new float[0]), count);
  }

  @Override
  public Shown shown(int expert) {
    return shown;
  }

  @Override
  public boolean wantsHeads() {
    return true;
  }

  @Override
  public void heads(float[] values, int count) {
    heads = values;
  }

  @Override
  public boolean wantsInputs() {
    return true;
  }
}
