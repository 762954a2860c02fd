package org.sparkao.jobs.bench;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.algorithm.TensorQuantizer;
import org.sparkao.quant.algorithm.WeightSpec;
import org.sparkao.quant.metric.TensorStatistics;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.pack.PackedPart;

/** The parts of a weight, whole, and room for a slice of each. */
final class QuantizedWeight {
  private final List<PackedPart> list;
  private final byte[][] parts;
  private final byte[][] slice;

  private QuantizedWeight(List<PackedPart> list) {
    this.list = list;
    this.parts = new byte[list.size()][];
    this.slice = new byte[list.size()][];
    for (int i = 0; i < parts.length; i++) {
      parts[i] = new byte[Math.toIntExact(list.get(i).bytes())];
      slice[i] = new byte[parts[i].length];
    }
  }

  static QuantizedWeight of(QuantizeRequest request) {
    return new QuantizedWeight(Quantizers.parts(request));
  }

  long bytes() {
    return Arrays.stream(parts).mapToLong(part -> part.length).sum();
  }

  byte[][] parts() {
    return parts;
  }

  /** The range that the scheme of a request needs, found on the processor. */
  static Optional<TensorRange> range(QuantizeRequest request, byte[] source) {
    WeightSpec weight = request.weight();
    int weights = Math.toIntExact(weight.rows() * weight.columns());
    return request.scheme().needsTensorRange()
        ? Optional.of(Quantizers.range(source, 0, weights, weight.dtype()))
        : Optional.empty();
  }

  /** Quantizes on the processor, slice by slice. */
  TensorStatistics fill(QuantizeRequest request, byte[] source, int sliceBytes) {
    return fill(Quantizers.create(request, range(request, source)), request, source, sliceBytes);
  }

  /** Quantizes by any quantizer, slice by slice. */
  TensorStatistics fill(
      TensorQuantizer quantizer, QuantizeRequest request, byte[] source, int sliceBytes) {
    WeightSpec weight = request.weight();
    int rowBytes = Math.toIntExact(weight.rowBytes());
    long multiple = quantizer.sliceRowMultiple();
    long step = Math.max(1, sliceBytes / rowBytes / multiple) * multiple;
    for (long row = 0; row < weight.rows(); row += step) {
      int rows = (int) Math.min(step, weight.rows() - row);
      quantizer.quantize(source, (int) row * rowBytes, row, rows, slice);
      keep(row, row + rows);
    }
    return quantizer.statistics();
  }

  /** Puts the slice of rows [begin, end) where it belongs. */
  private void keep(long begin, long end) {
    for (int i = 0; i < parts.length; i++) {
      int at = (int) list.get(i).offset(begin);
      System.arraycopy(slice[i], 0, parts[i], at, (int) list.get(i).offset(end) - at);
    }
  }
}
