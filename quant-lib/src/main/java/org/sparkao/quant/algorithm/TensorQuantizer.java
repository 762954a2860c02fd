package org.sparkao.quant.algorithm;

import java.util.List;
import org.sparkao.quant.metric.TensorStatistics;
import org.sparkao.quant.pack.PackedPart;

/**
 * Chooses the codes of one weight, slice of rows by slice of rows, in order. One instance a tensor
 * and a thread; what it emits does not depend on how the rows are cut. Made by {@link Quantizers}.
 */
public interface TensorQuantizer {
  /** Bytes of a slice that suit caches and disks. */
  int SLICE_BYTES = 2 << 20;

  /** The tensors that the weight becomes, in the order of {@code out} below. */
  List<PackedPart> parts();

  /** Slices begin at multiples of this many rows. */
  int sliceRowMultiple();

  /** About how many bytes of weights it likes to get at a time. */
  default int sliceBytes() {
    return SLICE_BYTES;
  }

  /**
   * Quantizes rows [rowBegin, rowBegin + rows). The source holds them row-major and little endian
   * from {@code sourceOffset}. Part i is written from {@code out[i][0]} on, with exactly {@code
   * parts().get(i).offset(rowBegin + rows) - offset(rowBegin)} bytes.
   */
  void quantize(byte[] source, int sourceOffset, long rowBegin, int rows, byte[][] out);

  /** Error of the codes against the weight, over all rows so far. */
  TensorStatistics statistics();
}
