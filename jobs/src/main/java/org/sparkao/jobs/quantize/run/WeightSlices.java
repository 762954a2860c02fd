package org.sparkao.jobs.quantize.run;

import java.util.List;
import org.sparkao.quant.algorithm.TensorQuantizer;
import org.sparkao.quant.checkpoint.WeightSource;
import org.sparkao.quant.pack.PackedPart;

/**
 * How a weight is cut into slices of rows, and the buffers for one slice. Slices are about as long
 * as the quantizer likes them.
 */
final class WeightSlices {
  private final List<PackedPart> parts;
  private final byte[][] out;
  private final int rows;

  WeightSlices(WeightSource weight, TensorQuantizer quantizer) {
    this.parts = quantizer.parts();
    this.rows = rows(weight, quantizer.sliceRowMultiple(), quantizer.sliceBytes());
    this.out = new byte[parts.size()][];
    for (int i = 0; i < out.length; i++) {
      out[i] = new byte[largest(parts.get(i), weight.rows())];
    }
  }

  /** Rows of a slice: a multiple of {@code multiple}, or all. */
  static int rows(WeightSource weight, int multiple) {
    return rows(weight, multiple, TensorQuantizer.SLICE_BYTES);
  }

  private static int rows(WeightSource weight, int multiple, int sliceBytes) {
    long rowBytes = weight.dtype().bytes(weight.columns());
    long steps = Math.max(1, sliceBytes / rowBytes / multiple);
    return (int) Math.min(weight.rows(), steps * multiple);
  }

  private int largest(PackedPart part, long allRows) {
    long most = 0;
    for (long begin = 0; begin < allRows; begin += rows) {
      long end = Math.min(begin + rows, allRows);
      most = Math.max(most, part.offset(end) - part.offset(begin));
    }
    return Math.toIntExact(most);
  }

  int rows() {
    return rows;
  }

  List<PackedPart> parts() {
    return parts;
  }

  byte[][] out() {
    return out;
  }

  /** Bytes of part {@code i} that the rows [begin, end) fill. */
  int length(int i, long begin, long end) {
    return (int) (parts.get(i).offset(end) - parts.get(i).offset(begin));
  }
}
