package org.sparkao.gpu.device;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import org.sparkao.gpu.GpuErrors;
import org.sparkao.gpu.GpuException;
import org.sparkao.gpu.OutOfDeviceMemoryException;

/**
 * The processor as a device: its memory is the heap, and work is done when the call returns. What
 * the references of all operators compute on. Several threads may use it.
 */
public final class CpuDevice implements Device {
  /**
   * A NaN in every float format, so that a test sees memory that was read before it was written.
   */
  private static final byte UNDEFINED = (byte) 0xFF;

  private static final long LARGEST = Integer.MAX_VALUE - 8;

  private final MemoryBudget budget;
  private final DeviceInfo info;

  private CpuDevice(MemoryBudget budget) {
    this.budget = budget;
    Runtime runtime = Runtime.getRuntime();
    String architecture = System.getProperty("os.arch").replace("amd64", "x86_64");
    this.info =
        new DeviceInfo(
            DeviceInfo.Kind.CPU,
            0,
            "Java " + Runtime.version().feature(),
            architecture,
            runtime.maxMemory(),
            runtime.availableProcessors(),
            0);
  }

  /** With no limit but the heap. */
  public static CpuDevice open() {
    return new CpuDevice(MemoryBudget.unlimited());
  }

  /** With a limit. */
  public static CpuDevice open(MemoryBudget budget) {
    return new CpuDevice(budget);
  }

  /**
   * The memory of a CPU buffer: a little-endian view from 0 to its size, which reads and writes
   * through.
   */
  public static ByteBuffer bytes(Buffer buffer) {
    if (buffer instanceof CpuBuffer cpu) {
      return cpu.view();
    }
    throw new GpuException(GpuErrors.otherDevice(buffer.device().info().label(), "cpu"));
  }

  @Override
  public DeviceInfo info() {
    return info;
  }

  @Override
  public MemoryBudget budget() {
    return budget;
  }

  /** As every device; a buffer is at most 2 GiB less 8 bytes here. */
  @Override
  public Buffer allocate(long bytes) {
    Ranges.checkSize(bytes);
    if (bytes > LARGEST) {
      throw new OutOfDeviceMemoryException(GpuErrors.overBudget(info.label(), bytes, 0, LARGEST));
    }
    if (!budget.reserve(bytes)) {
      throw new OutOfDeviceMemoryException(
          GpuErrors.overBudget(info.label(), bytes, budget.inUse(), budget.bytes()));
    }
    byte[] memory = new byte[(int) bytes];
    Arrays.fill(memory, UNDEFINED);
    return new CpuBuffer(this, ByteBuffer.wrap(memory), null);
  }

  /**
   * Counts memory that is taken outside buffers, such as weights in a layout of their own.
   *
   * @param bytes 0 or more
   * @return gives them back when it is closed
   * @throws OutOfDeviceMemoryException when the budget is exhausted
   */
  public Held hold(long bytes) {
    if (!budget.reserve(bytes)) {
      throw new OutOfDeviceMemoryException(
          GpuErrors.overBudget(info.label(), bytes, budget.inUse(), budget.bytes()));
    }
    return new Held(budget, bytes);
  }

  /** Memory that counts in the budget until it is closed. */
  public static final class Held implements AutoCloseable {
    private final MemoryBudget budget;
    private final long bytes;
    private final AtomicBoolean open = new AtomicBoolean(true);

    private Held(MemoryBudget budget, long bytes) {
      this.budget = budget;
      this.bytes = bytes;
    }

    /** How much. */
    public long bytes() {
      return bytes;
    }

    /** Closing twice does nothing. */
    @Override
    public void close() {
      if (open.compareAndSet(true, false)) {
        budget.release(bytes);
      }
    }
  }

  @Override
  public void write(Buffer to, long offset, ByteBuffer from) {
    Ranges.check("a write", offset, from.remaining(), to.bytes());
    bytes(to).position((int) offset).put(from.duplicate());
  }

  @Override
  public void read(Buffer from, long offset, ByteBuffer to) {
    Ranges.check("a read", offset, to.remaining(), from.bytes());
    to.duplicate().put(bytes(from).slice((int) offset, to.remaining()));
  }

  @Override
  public void synchronize() {
    // Work is done when the call that asked for it returns.
  }

  @Override
  public void close() {
    // Buffers are the garbage collector's.
  }

  private static final class CpuBuffer implements Buffer {
    private final CpuDevice device;
    private final ByteBuffer memory;
    private final CpuBuffer owner;
    private boolean closed;

    /** A whole buffer has no owner. */
    CpuBuffer(CpuDevice device, ByteBuffer memory, CpuBuffer owner) {
      this.device = device;
      this.memory = memory;
      this.owner = owner;
    }

    ByteBuffer view() {
      CpuBuffer whole = Objects.requireNonNullElse(owner, this);
      synchronized (whole) {
        if (whole.closed) {
          throw new GpuException(GpuErrors.closed("a buffer of " + device.info.label()));
        }
      }
      return memory.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    }

    @Override
    public Device device() {
      return device;
    }

    @Override
    public long bytes() {
      return memory.capacity();
    }

    @Override
    public long address() {
      return memory.arrayOffset();
    }

    @Override
    public Buffer slice(long offset, long bytes) {
      Ranges.checkSize(bytes);
      Ranges.check("a slice", offset, bytes, bytes());
      return new CpuBuffer(
          device, view().slice((int) offset, (int) bytes), Objects.requireNonNullElse(owner, this));
    }

    @Override
    public synchronized void close() {
      if (owner == null && !closed) {
        closed = true;
        device.budget.release(memory.capacity());
      }
    }
  }
}
