package org.sparkao.gpu.quantize;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.CudaEvent;
import org.sparkao.gpu.device.CudaStream;
import org.sparkao.gpu.device.PinnedBuffer;
import org.sparkao.gpu.module.KernelLibrary;

/**
 * The memory and the streams that quantizers of one thread use, one tensor after the other: two
 * slots, each with room for a slice on the device and in pinned memory of the host. Grows with the
 * largest slice; pinned memory is too slow to be taken for each tensor anew.
 */
public final class QuantizeWorkspace implements AutoCloseable {
  static final int CONSTANT_BYTES = 256;

  private final KernelLibrary kernels;
  private final List<Slot> slots;
  private final Buffer constants;

  private QuantizeWorkspace(KernelLibrary kernels) {
    this.kernels = kernels;
    CudaDevice device = kernels.device();
    this.constants = device.allocate(CONSTANT_BYTES);
    this.slots = List.of(new Slot(device), new Slot(device));
  }

  /** A workspace on the device of a library. The caller closes it, before the library. */
  public static QuantizeWorkspace of(KernelLibrary kernels) {
    return new QuantizeWorkspace(kernels);
  }

  /** Gives all memory back. No slice may be under way. Closing twice does nothing. */
  @Override
  public void close() {
    slots.forEach(Slot::close);
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
    private final CudaDevice device;
    private final CudaStream stream;
    private final CudaEvent done;
    private Buffer memory;
    private PinnedBuffer source;
    private PinnedBuffer output;

    private Slot(CudaDevice device) {
      this.device = device;
      this.stream = device.newStream();
      this.done = device.newEvent();
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
      done.close();
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
