package org.sparkao.jobs.calibrate.plan;

import java.io.Serializable;
import java.util.Map;
import java.util.Objects;
import org.sparkao.jobs.quantize.plan.Arithmetic;
import org.sparkao.jobs.quantize.plan.GptqRecipe;
import org.sparkao.jobs.quantize.plan.TensorTask.Quantize;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;

/**
 * How a calibration quantizes the model as it goes: each part of a block reads what the parts
 * before it give once they are quantized. Travels to the executors.
 *
 * @param arithmetic of gptq
 * @param weights what becomes of the linear layers of the blocks, by module; empty where the model
 *     is calibrated as it is
 */
public record Sequential(Arithmetic arithmetic, Map<String, Quantize> weights)
    implements Serializable {
  /** The model is calibrated as it is. */
  public static final Sequential NONE =
      new Sequential(
          new Arithmetic(
              WeightAlgorithm.GPTQ,
              Numerics.COMPRESSED_TENSORS,
              CheckpointLayout.COMPRESSED_TENSORS),
          Map.of());

  /** Freezes the map. */
  public Sequential {
    Objects.requireNonNull(arithmetic, "arithmetic");
    weights = Map.copyOf(weights);
  }

  /** Whether anything is quantized. */
  public boolean asked() {
    return !weights.isEmpty();
  }

  /** As it stands in {@code calibration.json}. */
  public String text() {
    return GptqRecipe.text(arithmetic, weights.values());
  }
}
