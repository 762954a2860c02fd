package org.sparkao.quant.algorithm;

import org.sparkao.quant.format.WeightType;

/** One implementation of all inner loops. */
interface GroupKernels {

  /** The loop that finds ranges of weights of {@code type}. */
  RangeKernel range(WeightType type);

  /** Loops for weights of {@code type} that become {@code codes}. */
  GroupKernel quantize(WeightType type, CodeRule codes, Quotient quotient);

  /** The loop that dequantizes weights of {@code type} under a scale. */
  GroupDequantizer dequantize(WeightType type, CodeRule codes, Quotient quotient);

  /** The loop that rounds columns, rows side by side, for weights of {@code type}. */
  ColumnRounding roundColumns(WeightType type, CodeRule codes);

  /** What is stored with a run, such as {@code plain}. */
  String name();
}
