package org.sparkao.quant.torchao;

import org.sparkao.quant.format.WeightType;

/**
 * What torchao makes of a tensor, as data: every combination is a value of one of these records.
 */
public sealed interface TorchaoSpec
    permits AffineSpec, Float8Spec, Float8TrainingSpec, MxSpec, Nvfp4Spec {

  /** A fresh rule for values of type {@code input}: BF16, F16 or F32. */
  GroupRule rule(WeightType input);
}
