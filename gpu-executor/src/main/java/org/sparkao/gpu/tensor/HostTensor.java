package org.sparkao.gpu.tensor;

import java.util.Objects;
import org.sparkao.gpu.GpuErrors;
import org.sparkao.gpu.GpuException;
import org.sparkao.gpu.device.CpuDevice;

/**
 * An fp32 matrix on the heap: element [r, c] is {@code array()[offset() + r * columns() + c]}. The
 * array has {@link #SPARE_ROWS} rows more than the matrix, whose contents are undefined, so that
 * loops over several rows may read beyond the last.
 */
public final class HostTensor implements Tensor {
  /** Rows behind the last one that may be read. */
  public static final int SPARE_ROWS = 3;

  private final float[] array;
  private final int offset;
  private final int rows;
  private final int columns;
  private final CpuDevice.Held memory;

  /** A view has no memory of its own to give back. */
  private HostTensor(float[] array, int offset, int rows, int columns, CpuDevice.Held memory) {
    this.array = array;
    this.offset = offset;
    this.rows = rows;
    this.columns = columns;
    this.memory = memory;
  }

  /**
   * Takes memory for a matrix of zeros.
   *
   * @param device whose budget counts it
   * @throws org.sparkao.gpu.OutOfDeviceMemoryException when the budget is exhausted
   */
  public static HostTensor allocate(CpuDevice device, int rows, int columns) {
    if (rows < 0 || columns < 1) {
      throw new IllegalArgumentException("a tensor of " + rows + " x " + columns);
    }
    int elements = Math.multiplyExact(Math.addExact(rows, SPARE_ROWS), columns);
    CpuDevice.Held memory = device.hold((long) Float.BYTES * elements);
    return new HostTensor(new float[elements], 0, rows, columns, memory);
  }

  /** The tensor of a device that is the processor. */
  public static HostTensor of(Tensor tensor) {
    if (tensor instanceof HostTensor host) {
      return host;
    }
    throw new GpuException(GpuErrors.otherDevice(tensor.getClass().getSimpleName(), "cpu"));
  }

  /** Where its numbers are; reads and writes through. */
  public float[] array() {
    return array;
  }

  /** Where element [0, 0] is. */
  public int offset() {
    return offset;
  }

  /** Where a row begins. */
  public int at(int row) {
    return offset + row * columns;
  }

  @Override
  public int rows() {
    return rows;
  }

  @Override
  public int columns() {
    return columns;
  }

  @Override
  public HostTensor slice(int rowBegin, int rowEnd) {
    Objects.checkFromToIndex(rowBegin, rowEnd, rows);
    return new HostTensor(array, at(rowBegin), rowEnd - rowBegin, columns, null);
  }

  @Override
  public void read(float[] to, int first) {
    System.arraycopy(array, offset, to, first, rows * columns);
  }

  @Override
  public void write(float[] from, int first) {
    System.arraycopy(from, first, array, offset, rows * columns);
  }

  @Override
  public void close() {
    if (memory != null) {
      memory.close();
    }
  }
}
