package org.sparkao.quant.algorithm;

import org.sparkao.quant.format.WeightType;

/** The reference loops. */
final class PlainKernels implements GroupKernels {
  @Override
  public RangeKernel range(WeightType type) {
    return (source, offset, count, range) -> {
      for (int j = 0; j < count; j++) {
        range.add(type.read(source, offset + j * type.bytes()));
      }
    };
  }

  @Override
  public GroupKernel quantize(WeightType type, CodeRule codes, Quotient quotient) {
    return new PlainKernel(type, codes, quotient);
  }

  @Override
  public GroupDequantizer dequantize(WeightType type, CodeRule codes, Quotient quotient) {
    return new PlainDequantizer(type, codes, quotient);
  }

  @Override
  public ColumnRounding roundColumns(WeightType type, CodeRule codes) {
    return new PlainColumns(type, codes);
  }

  @Override
  public String name() {
    return "plain";
  }
}
