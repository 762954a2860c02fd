package org.sparkao.gpu.gptq;

import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.BusyTime;
import org.sparkao.gpu.device.BusyTime.Engine;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;
import org.sparkao.quant.calibrated.Gptq.Prepared;
import org.sparkao.quant.calibrated.GptqColumns;
import org.sparkao.quant.calibrated.GptqColumns.Damped;
import org.sparkao.quant.calibrated.GptqReport;
import org.sparkao.quant.calibrated.SecondMoments;

/**
 * The upper Cholesky factor U [stride, stride] of the inverse of damped second moments, on the
 * device; made as {@link org.sparkao.quant.dense.InverseFactor} makes it.
 */
final class CudaFactor implements Prepared {
  static final String OP = "gptq";

  /** Rows of the matrix that are worked on together. */
  static final int BLOCK = 128;

  static final int THREADS = 256;

  private static final int ALIGNMENT = 16;
  private static final int SIDE = 32;
  private static final int COLUMNS = 64;
  private static final int DIAGONAL_BYTES = BLOCK * BLOCK * Float.BYTES;
  private static final int PANEL_BYTES = DIAGONAL_BYTES + (BLOCK * COLUMNS + BLOCK) * Float.BYTES;
  private static final int SOLVE_BYTES = BLOCK * (BLOCK + 4 + COLUMNS) * Float.BYTES;

  /** Most dynamic shared memory of a launch. */
  static final int MOST_SHARED_BYTES = Math.max(PANEL_BYTES, SOLVE_BYTES);

  private final GptqColumns columns;
  private final Optional<Buffer> factor;
  private final Buffer order;
  private final Buffer dead;
  private final GptqReport report;

  private CudaFactor(GptqColumns columns, Damped<Buffer> found, Buffer order, Buffer dead) {
    this.columns = columns;
    this.factor = found.factor();
    this.report = found.report();
    this.order = order;
    this.dead = dead;
  }

  static CudaFactor of(
      KernelLibrary library, BusyTime busy, SecondMoments inputs, GptqColumns columns) {
    CudaDevice device = library.device();
    int k = inputs.columns();
    Buffer order = device.allocate((long) Integer.BYTES * k);
    Buffer dead = null;
    try {
      dead = device.allocate(k);
      Transfers.write(order, columns.order());
      Transfers.write(dead, columns.dead());
      try (Buffer moments = device.allocate((long) Float.BYTES * k * k)) {
        Transfers.writeUpper(moments, inputs);
        Work work = new Work(library, moments, order, k);
        Damped<Buffer> found =
            columns.damped(
                share -> {
                  float[] diagonal = columns.diagonal(inputs, share);
                  return busy.time(Engine.COMPUTE, () -> work.factor(diagonal));
                });
        return new CudaFactor(columns, found, order, dead);
      }
    } catch (RuntimeException e) {
      order.close();
      if (dead != null) {
        dead.close();
      }
      throw e;
    }
  }

  /** K rounded up to what rows are aligned to: as on the processor, so that the bits are. */
  static long stride(long columns) {
    return (columns + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  GptqColumns columns() {
    return columns;
  }

  /** U; empty where errors are not passed on. */
  Optional<Buffer> factor() {
    return factor;
  }

  /** Column at each place, int32. */
  Buffer order() {
    return order;
  }

  /** Not 0 where a column is, a byte each. */
  Buffer dead() {
    return dead;
  }

  @Override
  public GptqReport report() {
    return report;
  }

  @Override
  public void close() {
    factor.ifPresent(Buffer::close);
    List.of(order, dead).forEach(Buffer::close);
  }

  static int ceilDiv(int count, int size) {
    return (count + size - 1) / size;
  }

  /** The launches. */
  private static final class Work {
    private final KernelLibrary library;
    private final Buffer moments;
    private final Buffer order;
    private final int k;
    private final int stride;

    Work(KernelLibrary library, Buffer moments, Buffer order, int k) {
      this.library = library;
      this.moments = moments;
      this.order = order;
      this.k = k;
      this.stride = Math.toIntExact(stride((long) k));
    }

    /** Empty when the matrix with this diagonal is not positive definite in fp32. */
    Optional<Buffer> factor(float[] diagonal) {
      CudaDevice device = library.device();
      Buffer a = device.allocate((long) Float.BYTES * stride * stride);
      try (Buffer given = device.allocate((long) Float.BYTES * stride);
          Buffer failed = device.allocate(Integer.BYTES)) {
        Transfers.write(given, diagonal);
        Transfers.write(failed, new int[1]);
        square("gptq_arrange")
            .with(a)
            .with(moments)
            .with(order)
            .with(given)
            .with(k)
            .with(stride)
            .run();
        factorize(a, given, failed);
        if (Transfers.readInt(failed) != 0) {
          a.close();
          return Optional.empty();
        }
        invert(a, given);
        device.synchronize();
        return Optional.of(a);
      } catch (RuntimeException e) {
        a.close();
        throw e;
      }
    }

    private Launch launch(String kernel, int blocks) {
      return library.kernel(OP, kernel).launch("K " + k).grid(blocks).block(THREADS);
    }

    private Launch square(String kernel) {
      int side = ceilDiv(stride, SIDE);
      return launch(kernel, side).grid(side, side);
    }

    /** A becomes V; {@code roots} is overwritten. */
    private void factorize(Buffer a, Buffer roots, Buffer failed) {
      for (int begin = 0; begin < stride; begin += BLOCK) {
        int count = Math.min(BLOCK, stride - begin);
        int rest = stride - begin - count;
        launch("gptq_diagonal", 1)
            .sharedBytes(DIAGONAL_BYTES)
            .with(a)
            .with(roots)
            .with(stride)
            .with(begin)
            .with(count)
            .with(failed)
            .run();
        if (rest > 0) {
          launch("gptq_panel", ceilDiv(rest, COLUMNS))
              .sharedBytes(PANEL_BYTES)
              .with(a)
              .with(roots)
              .with(stride)
              .with(begin)
              .with(failed)
              .run();
          int side = ceilDiv(rest, BLOCK);
          launch("gptq_update", side * (side + 1) / 2)
              .with(a)
              .with(stride)
              .with(begin)
              .with(failed)
              .run();
        }
      }
    }

    /** V becomes U; {@code diagonal} is overwritten. */
    private void invert(Buffer a, Buffer diagonal) {
      square("gptq_mirror").with(a).with(diagonal).with(stride).run();
      for (int begin = (stride - 1) / BLOCK * BLOCK; begin >= 0; begin -= BLOCK) {
        int count = Math.min(BLOCK, stride - begin);
        int rest = stride - begin - count;
        if (rest > 0) {
          launch("gptq_invert_product", ceilDiv(rest, BLOCK))
              .with(a)
              .with(stride)
              .with(begin)
              .run();
        }
        launch("gptq_invert_solve", ceilDiv(stride - begin, COLUMNS))
            .sharedBytes(SOLVE_BYTES)
            .with(a)
            .with(diagonal)
            .with(stride)
            .with(begin)
            .with(count)
            .run();
      }
      square("gptq_reverse").with(a).with(stride).run();
    }
  }
}
