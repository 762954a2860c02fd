package org.sparkao.gpu.tensor;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Objects;
import org.sparkao.gpu.GpuErrors;
import org.sparkao.gpu.GpuException;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.quant.format.WeightType;

/**
 * A matrix on a GPU, fp32 or bf16, columns contiguous and rows without gaps. Work on it goes to the
 * stream of the calling thread.
 */
public final class CudaTensor implements Tensor {
  /** Numbers that go through the host at a time. */
  private static final int PIECE = 1 << 18;

  private final CudaDevice device;
  private final WeightType type;
  private final Buffer buffer;
  private final int rows;
  private final int columns;

  private CudaTensor(CudaDevice device, WeightType type, Buffer buffer, int rows, int columns) {
    this.device = device;
    this.type = type;
    this.buffer = buffer;
    this.rows = rows;
    this.columns = columns;
  }

  /**
   * Takes memory for a matrix of zeros.
   *
   * @param type F32 or BF16
   * @param rows at least 1
   * @throws org.sparkao.gpu.OutOfDeviceMemoryException when the device's budget is exhausted
   */
  public static CudaTensor allocate(CudaDevice device, WeightType type, int rows, int columns) {
    if (rows < 1 || columns < 1 || type == WeightType.F16) {
      throw new IllegalArgumentException("a tensor of " + rows + " x " + columns + " in " + type);
    }
    long bytes = Math.multiplyExact((long) rows * columns, type.bytes());
    Buffer buffer = device.allocate(bytes);
    device.stream().fill(buffer, (byte) 0);
    return new CudaTensor(device, type, buffer, rows, columns);
  }

  /** Numbers at the begin of memory of somebody else; closing the tensor does nothing. */
  public static CudaTensor over(
      CudaDevice device, WeightType type, Buffer memory, int rows, int columns) {
    long bytes = Math.multiplyExact((long) rows * columns, type.bytes());
    return new CudaTensor(device, type, memory.slice(0, bytes), rows, columns);
  }

  /** The tensor of a device that is a GPU. */
  public static CudaTensor of(Tensor tensor) {
    if (tensor instanceof CudaTensor cuda) {
      return cuda;
    }
    throw new GpuException(GpuErrors.otherDevice(tensor.getClass().getSimpleName(), "a GPU"));
  }

  /** What an element is. */
  public WeightType type() {
    return type;
  }

  /**
   * Where its numbers are, for kernels. A matrix without rows has the memory of its first element.
   */
  public Buffer buffer() {
    return buffer;
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
  public CudaTensor slice(int rowBegin, int rowEnd) {
    Objects.checkFromToIndex(rowBegin, rowEnd, rows);
    long rowBytes = (long) columns * type.bytes();
    long bytes = (rowEnd - rowBegin) * rowBytes;
    // An empty slice still has an address inside the allocation.
    Buffer part =
        bytes == 0 ? buffer.slice(0, type.bytes()) : buffer.slice(rowBegin * rowBytes, bytes);
    return new CudaTensor(device, type, part, rowEnd - rowBegin, columns);
  }

  @Override
  public void read(float[] to, int first) {
    byte[] bytes = new byte[(int) Math.min(PIECE, elements()) * type.bytes()];
    for (long at = 0; at < elements(); at += PIECE) {
      int count = (int) Math.min(PIECE, elements() - at);
      device.read(buffer, at * type.bytes(), ByteBuffer.wrap(bytes, 0, count * type.bytes()));
      if (type == WeightType.F32) {
        floats(bytes).get(to, first + (int) at, count);
      } else {
        for (int i = 0; i < count; i++) {
          to[first + (int) at + i] = type.read(bytes, i * type.bytes());
        }
      }
    }
  }

  private static FloatBuffer floats(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
  }

  /** As the interface says; rounds to the nearest, ties to even. */
  @Override
  public void write(float[] from, int first) {
    byte[] bytes = new byte[(int) Math.min(PIECE, elements()) * type.bytes()];
    for (long at = 0; at < elements(); at += PIECE) {
      int count = (int) Math.min(PIECE, elements() - at);
      if (type == WeightType.F32) {
        floats(bytes).put(from, first + (int) at, count);
      } else {
        for (int i = 0; i < count; i++) {
          type.write(type.round(from[first + (int) at + i]), bytes, i * type.bytes());
        }
      }
      ByteBuffer piece = ByteBuffer.wrap(bytes, 0, count * type.bytes());
      device.write(buffer, at * type.bytes(), piece);
    }
  }

  /** As the interface says; numbers of its own type are copied as they are. */
  @Override
  public void write(ByteBuffer numbers, WeightType from) {
    if (from == type) {
      device.write(buffer, 0, numbers.duplicate().rewind());
    } else {
      Tensor.super.write(numbers, from);
    }
  }

  /** As the interface says; numbers of its own type stay on the device. */
  @Override
  public void copyFrom(Buffer numbers, WeightType from) {
    if (from == type) {
      device.stream().copy(numbers.slice(0, buffer.bytes()), buffer);
    } else {
      Tensor.super.copyFrom(numbers, from);
    }
  }

  /** As the interface says; numbers of its own type stay on the device. */
  @Override
  public void copyTo(Buffer numbers, WeightType to) {
    if (to == type) {
      device.stream().copy(buffer, numbers.slice(0, buffer.bytes()));
    } else {
      Tensor.super.copyTo(numbers, to);
    }
  }

  /** Gives the memory back; closing a slice does nothing. */
  @Override
  public void close() {
    buffer.close();
  }
}
