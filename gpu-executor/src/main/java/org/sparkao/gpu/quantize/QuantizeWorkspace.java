package org.sparkao.gpu.quantize;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.BusyTime;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.CudaEvent;
import org.sparkao.gpu.device.CudaStream;
import org.sparkao.gpu.device.PinnedBuffer;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.safetensors.DType;

/**
 * The memory and the streams that quantizers of one thread use, one tensor after the other: two
 * slots, each with room for a slice on the device and in pinned memory of the host. Grows with the
 * largest slice; pinned memory is too slow to be taken for each tensor anew.
 */
public final class QuantizeWorkspace implements AutoCloseable {
  static final int CONSTANT_BYTES = 256;

  private static final int SLOTS = 2;

  private final KernelLibrary kernels;
  private final List<Slot> slots;
  private final Buffer constants;
  private final CudaEvent base;
  private final BusyTime busy;
  private final Map<DType, Buffer> powers = new EnumMap<>(DType.class);
  private long baseNanos;

  private QuantizeWorkspace(KernelLibrary kernels, BusyTime busy) {
    this.kernels = kernels;
    this.busy = busy;
    CudaDevice device = kernels.device();
    this.constants = device.allocate(CONSTANT_BYTES);
    List<Slot> made = new ArrayList<>();
    try {
      for (int i = 0; i < SLOTS; i++) {
        made.add(new Slot(device));
      }
      this.base = device.newEvent();
    } catch (RuntimeException e) {
      made.forEach(Slot::close);
      constants.close();
      throw e;
    }
    this.slots = List.copyOf(made);
  }

  /** A workspace on the device of a library. The caller closes it, before the library. */
  public static QuantizeWorkspace of(KernelLibrary kernels) {
    return new QuantizeWorkspace(kernels, new BusyTime());
  }

  /**
   * The same.
   *
   * @param busy told when the device is at work
   */
  public static QuantizeWorkspace of(KernelLibrary kernels, BusyTime busy) {
    return new QuantizeWorkspace(kernels, busy);
  }

  /** Gives all memory back. No slice may be under way. Closing twice does nothing. */
  @Override
  public void close() {
    slots.forEach(Slot::close);
    powers.values().forEach(Buffer::close);
    powers.clear();
    base.close();
    constants.close();
  }

  KernelLibrary kernels() {
    return kernels;
  }

  CudaDevice device() {
    return kernels.device();
  }

  List<Slot> slots() {
    return slots;
  }

  /**
   * Sets the clocks of device and host side by side. The driver tells times as fp32 milliseconds,
   * so it is done for each tensor. Nothing may be under way.
   */
  void startClock() {
    CudaStream stream = slots.get(0).stream();
    stream.record(base);
    base.synchronize();
    baseNanos = System.nanoTime();
  }

  /** What the slice in a slot took, once it is done; tells the time at work. */
  DeviceTimes times(Slot slot) {
    long begin = slot.begin.nanosSince(base);
    long copied = slot.copied.nanosSince(base);
    long computed = slot.computed.nanosSince(base);
    long done = slot.done.nanosSince(base);
    busy.add(BusyTime.Engine.COPY_IN, baseNanos + begin, baseNanos + copied);
    busy.add(BusyTime.Engine.COMPUTE, baseNanos + copied, baseNanos + computed);
    busy.add(BusyTime.Engine.COPY_OUT, baseNanos + computed, baseNanos + done);
    return new DeviceTimes(copied - begin, computed - copied, done - computed);
  }

  /** The tables of the algorithm mse: {@code search.cuh}. */
  Buffer powersOfErrors(DType dtype) {
    return powers.computeIfAbsent(
        dtype,
        type -> {
          byte[] tables = Quantizers.powersOfErrors(type);
          Buffer buffer = device().allocate(tables.length);
          device().write(buffer, 0, ByteBuffer.wrap(tables));
          return buffer;
        });
  }

  /** Small memory for what belongs to a whole tensor. */
  Buffer constants() {
    return constants;
  }

  /** Reads the constants, after what was launched in the first slot's stream. */
  ByteBuffer readConstants() {
    ByteBuffer read = ByteBuffer.allocate(CONSTANT_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    device().on(slots.get(0).stream(), () -> device().read(constants, 0, read));
    return read;
  }

  /** Room for one slice, and the stream in which it goes to the device, is worked on and back. */
  static final class Slot implements AutoCloseable {
    private static final int EVENTS = 4;

    private final CudaDevice device;
    private final CudaStream stream;
    private final CudaEvent begin;
    private final CudaEvent copied;
    private final CudaEvent computed;
    private final CudaEvent done;
    private Buffer memory;
    private PinnedBuffer source;
    private PinnedBuffer output;

    private Slot(CudaDevice device) {
      this.device = device;
      this.stream = device.newStream();
      List<CudaEvent> made = new ArrayList<>();
      try {
        for (int i = 0; i < EVENTS; i++) {
          made.add(device.newEvent());
        }
      } catch (RuntimeException e) {
        made.forEach(CudaEvent::close);
        stream.close();
        throw e;
      }
      this.begin = made.get(0);
      this.copied = made.get(1);
      this.computed = made.get(2);
      this.done = made.get(3);
    }

    /** Makes room; nothing may be under way in this slot. */
    void reserve(long deviceBytes, int sourceBytes, int outputBytes) {
      if (memory == null || memory.bytes() < deviceBytes) {
        close(memory);
        memory = null;
        memory = device.allocate(deviceBytes);
      }
      if (source == null || source.bytes() < sourceBytes) {
        close(source);
        source = null;
        source = device.allocatePinned(sourceBytes);
      }
      if (output == null || output.bytes() < outputBytes) {
        close(output);
        output = null;
        output = device.allocatePinned(outputBytes);
      }
    }

    CudaStream stream() {
      return stream;
    }

    /** Reached when its slice begins. */
    CudaEvent begin() {
      return begin;
    }

    /** Reached when the weights are on the device. */
    CudaEvent copied() {
      return copied;
    }

    /** Reached when the kernels are done. */
    CudaEvent computed() {
      return computed;
    }

    /** Reached when the slice is back on the host. */
    CudaEvent done() {
      return done;
    }

    Buffer memory() {
      return memory;
    }

    PinnedBuffer source() {
      return source;
    }

    PinnedBuffer output() {
      return output;
    }

    @Override
    public void close() {
      stream.synchronize();
      close(memory);
      close(source);
      close(output);
      List.of(begin, copied, computed, done).forEach(CudaEvent::close);
      stream.close();
    }

    private static void close(Buffer buffer) {
      if (buffer != null) {
        buffer.close();
      }
    }

    private static void close(PinnedBuffer buffer) {
      if (buffer != null) {
        buffer.close();
      }
    }
  }
}
