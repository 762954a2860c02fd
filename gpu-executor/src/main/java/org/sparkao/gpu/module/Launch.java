package org.sparkao.gpu.module;

import java.util.ArrayList;
import java.util.List;
import org.sparkao.gpu.GpuErrors;
import org.sparkao.gpu.GpuException;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.CudaStream;

/**
 * One launch of a kernel, put together and then {@link #run()} once. Arguments are given in the
 * order of the kernel's parameters; their number and sizes are checked against the kernel.
 *
 * <p>Every launch goes through {@code cuLaunchKernelEx}: JCuda lacks it, and dependent launches
 * need it.
 */
public final class Launch {
  private static final ThreadLocal<LaunchBlock> BLOCK = ThreadLocal.withInitial(LaunchBlock::new);

  private final Kernel kernel;
  private final String what;
  private final int[] sizes = {1, 1, 1, 1, 1, 1};
  private final Arguments arguments = new Arguments();
  private int sharedBytes;
  private boolean dependent;

  Launch(Kernel kernel, String what) {
    this.kernel = kernel;
    this.what = what;
  }

  /** Blocks in a row. */
  public Launch grid(int x) {
    return grid(x, 1, 1);
  }

  /** Blocks in two directions. */
  public Launch grid(int x, int y) {
    return grid(x, y, 1);
  }

  /** Blocks in three directions. */
  public Launch grid(int x, int y, int z) {
    sizes[0] = x;
    sizes[1] = y;
    sizes[2] = z;
    return this;
  }

  /** Threads of a block. */
  public Launch block(int threads) {
    sizes[3] = threads;
    return this;
  }

  /** Dynamic shared memory of a block; any size that the device has, also beyond 48 KB. */
  public Launch sharedBytes(int bytes) {
    sharedBytes = bytes;
    return this;
  }

  /**
   * May start while its predecessor in the stream still runs (programmatic dependent launch). The
   * kernel waits ({@code griddepcontrol.wait}) before it reads what the predecessor wrote. A
   * captured graph keeps this.
   */
  public Launch dependent() {
    dependent = true;
    return this;
  }

  /** A pointer: the address of a buffer of the kernel's device. */
  public Launch with(Buffer buffer) {
    if (buffer.device() != kernel.device()) {
      throw new GpuException(
          GpuErrors.otherDevice(buffer.device().info().label(), kernel.device().info().label()));
    }
    arguments.add(CudaDevice.address(buffer), Long.BYTES);
    return this;
  }

  /** A pointer that is absent. */
  public Launch withNull() {
    arguments.add(0, Long.BYTES);
    return this;
  }

  /** A {@code CUtensorMap}, {@code __grid_constant__}. */
  public Launch with(TensorMap map) {
    if (map.device() != kernel.device()) {
      throw new GpuException(
          GpuErrors.otherDevice(map.device().info().label(), kernel.device().info().label()));
    }
    arguments.add(map.words(), TensorMap.BYTES);
    return this;
  }

  /** An {@code int}. */
  public Launch with(int value) {
    arguments.add(Integer.toUnsignedLong(value), Integer.BYTES);
    return this;
  }

  /** A {@code long long}. */
  public Launch with(long value) {
    arguments.add(value, Long.BYTES);
    return this;
  }

  /** A {@code float}. */
  public Launch with(float value) {
    arguments.add(Integer.toUnsignedLong(Float.floatToRawIntBits(value)), Float.BYTES);
    return this;
  }

  /**
   * Launches into the calling thread's stream, and returns before the kernel has run.
   *
   * @throws GpuException naming kernel, shape, configuration and the driver's result
   */
  public void run() {
    CudaDevice device = kernel.device();
    if (!arguments.bytes.equals(kernel.parameterBytes())) {
      throw new GpuException(
          GpuErrors.wrongArguments(toString(), arguments.bytes, kernel.parameterBytes()));
    }
    if (sharedBytes > 0) {
      kernel.allowShared(sharedBytes, toString());
    }
    CudaStream stream = device.stream();
    stream.launched(this);
    LaunchBlock block = BLOCK.get();
    block.configure(sizes, sharedBytes, stream.address(), dependent);
    arguments.copyTo(block);
    device.call(
        this::toString,
        () -> DriverLibrary.launch(block.configuration(), kernel.address(), block.arguments()));
  }

  /** Kernel, shape and configuration, for messages. */
  @Override
  public String toString() {
    return "kernel "
        + kernel.name()
        + " ["
        + what
        + "] with grid "
        + sizes[0]
        + "x"
        + sizes[1]
        + "x"
        + sizes[2]
        + ", block "
        + sizes[3]
        + ", "
        + sharedBytes
        + " bytes shared"
        + (dependent ? ", dependent" : "");
  }

  /** What a kernel is called with. */
  static final class Arguments {
    private final List<long[]> words = new ArrayList<>();
    private final List<Integer> bytes = new ArrayList<>();

    void add(long argumentBits, int argumentBytes) {
      add(new long[] {argumentBits}, argumentBytes);
    }

    void add(long[] argumentWords, int argumentBytes) {
      words.add(argumentWords);
      bytes.add(argumentBytes);
    }

    void copyTo(LaunchBlock block) {
      block.arguments(words);
    }
  }
}
