package org.sparkao.quant.algorithm;

import jdk.incubator.vector.VectorShape;
import org.sparkao.quant.format.WeightType;

/** The loops on vectors of 256 bits. */
final class VectorKernels implements GroupKernels {

  /** Whether the processor has vectors of 256 bits; smaller ones are slower than plain loops. */
  static boolean supported() {
    return VectorShape.preferredShape().vectorBitSize() >= VectorShape.S_256_BIT.vectorBitSize();
  }

  @Override
  public RangeKernel range(WeightType type) {
    return new VectorRange(type, new PlainKernels().range(type));
  }

  @Override
  public GroupKernel quantize(WeightType type, CodeRule codes, Quotient quotient) {
    return new VectorKernel(type, codes, quotient);
  }

  @Override
  public GroupDequantizer dequantize(WeightType type, CodeRule codes, Quotient quotient) {
    return new VectorDequantizer(type, codes, quotient);
  }

  @Override
  public ColumnRounding roundColumns(WeightType type, CodeRule codes) {
    return new VectorColumns(type, codes);
  }

  @Override
  public String name() {
    return "vector-256";
  }
}
