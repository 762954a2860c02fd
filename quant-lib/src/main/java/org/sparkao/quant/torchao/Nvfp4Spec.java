package org.sparkao.quant.torchao;

import java.util.Objects;
import java.util.Optional;
import org.sparkao.quant.format.WeightType;

/**
 * fp4 codes under an e4m3 scale for every 16 values and, with two levels, one F32 scale for the
 * tensor.
 *
 * <p>Source: torchao {@code prototype/mx_formats/nvfp4_tensor.py}, {@code nvfp4_quantize}.
 *
 * @param tensorScale the scale of the tensor, which multiplies; empty for one level
 */
public record Nvfp4Spec(Optional<Float> tensorScale) implements TorchaoSpec {
  /** Values that share a scale, along the contiguous axis. */
  public static final int GROUP = 16;

  private static final float LARGEST_PRODUCT = 448f * 6f;

  /** Two levels need a scale; the constructor takes it as it is. */
  public Nvfp4Spec {
    Objects.requireNonNull(tensorScale, "tensorScale");
  }

  /** Two levels, the scale of the tensor being amax / (448 * 6) in F32. */
  public static Nvfp4Spec twoLevel(float amax) {
    return new Nvfp4Spec(Optional.of(amax / LARGEST_PRODUCT));
  }

  @Override
  public GroupRule rule(WeightType input) {
    return new Nvfp4Rule(this, input);
  }
}
