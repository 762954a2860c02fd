package org.sparkao.gpu.observe;

import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.gpu.model.BlockInputs;
import org.sparkao.gpu.model.DeviceObserver;
import org.sparkao.gpu.module.KernelLibrary;

/** Working memory that the observers of one thread share. */
public final class ObserveScratch implements AutoCloseable {
  /** The folder of kernels that observers need. */
  public static final String KERNELS = ObserveKernels.OP;

  private final ObserveKernels kernels;
  private final Buffer rows;
  private final Buffer part;

  /**
   * Takes memory; the caller closes it.
   *
   * @param arithmetic of what is seen
   * @param blocks that are seen
   * @param mostRows of a call
   */
  public ObserveScratch(
      KernelLibrary library, Arithmetic arithmetic, List<BlockInputs> blocks, int mostRows) {
    int widest =
        blocks.stream()
            .flatMap(block -> block.inputs().stream())
            .mapToInt(BlockInputs.Input::columns)
            .max()
            .orElseThrow();
    int pitch = ObserveKernels.pitch(widest);
    this.kernels = new ObserveKernels(library, arithmetic);
    this.rows = library.device().allocate((long) arithmetic.bytes() * mostRows * pitch);
    try {
      this.part = library.device().allocate(ObserveKernels.partBytes(mostRows, pitch));
    } catch (RuntimeException e) {
      rows.close();
      throw e;
    }
  }

  ObserveKernels kernels() {
    return kernels;
  }

  /** Sums of pieces of rows. */
  Buffer part() {
    return part;
  }

  /** Rows [count, k] as layers read them, padded to a pitch; valid until the next call. */
  Buffer arranged(Buffer x, int count, int k, Optional<DeviceObserver.Norm> norm) {
    if (norm.isEmpty() && k % ObserveKernels.ALIGNMENT == 0) {
      return x;
    }
    kernels.arrange(rows, x, count, k, norm);
    return rows;
  }

  @Override
  public void close() {
    rows.close();
    part.close();
  }
}
