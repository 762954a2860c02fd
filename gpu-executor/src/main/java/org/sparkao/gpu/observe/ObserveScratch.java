package org.sparkao.gpu.observe;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.PinnedBuffer;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.gpu.model.BlockInputs;
import org.sparkao.gpu.model.Closing;
import org.sparkao.gpu.model.DeviceObserver;
import org.sparkao.gpu.module.KernelLibrary;

/** Working memory that the observers of one thread share. */
public final class ObserveScratch implements AutoCloseable {
  /** The folder of kernels that observers need. */
  public static final String KERNELS = ObserveKernels.OP;

  /** Of pinned memory, that sums come to the host through. */
  private static final int STAGED_BYTES = 1 << 24;

  private final ObserveKernels kernels;
  private final Deque<AutoCloseable> opened = new ArrayDeque<>();
  private final Buffer rows;
  private final Buffer part;
  private final PinnedBuffer staged;

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
    CudaDevice device = library.device();
    this.staged = device.allocatePinned(STAGED_BYTES);
    opened.push(staged);
    try {
      this.rows = device.allocate((long) arithmetic.bytes() * mostRows * pitch);
      opened.push(rows);
      this.part = device.allocate(ObserveKernels.partBytes(mostRows, pitch));
      opened.push(part);
    } catch (RuntimeException e) {
      close();
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

  /** What sums come to the host through. */
  PinnedBuffer staged() {
    return staged;
  }

  @Override
  public void close() {
    Closing.all(opened);
  }
}
