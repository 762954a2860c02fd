package org.sparkao.jobs.doctor;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.Device;
import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.gpu.device.MemoryBudget;
import org.sparkao.gpu.layer.CudaResidualAdd;
import org.sparkao.gpu.layer.ReferenceResidualAdd;
import org.sparkao.gpu.layer.ResidualAdd;
import org.sparkao.gpu.module.KernelLibrary;

/** Tries a GPU. */
interface GpuTrial {
  /**
   * What came of it.
   *
   * @param freeBytes memory of the GPU that nobody used before
   * @param wrong what it computed wrong; empty when nothing
   * @param done what was tried
   */
  record Result(long freeBytes, String wrong, String done) {}

  /**
   * Tries it.
   *
   * @throws org.sparkao.gpu.GpuException when it cannot be used
   */
  Result run(DeviceInfo device);

  /** Loads the code of every operation, and lets one kernel and the processor add numbers. */
  final class Addition implements GpuTrial {
    private static final int ELEMENTS = 1 << 16;
    private static final long SEED = 1;

    @Override
    public Result run(DeviceInfo info) {
      try (CudaDevice gpu = CudaDevice.open(info.ordinal(), MemoryBudget.unlimited());
          KernelLibrary kernels = KernelLibrary.of(gpu);
          CpuDevice cpu = CpuDevice.open()) {
        long free = gpu.freeBytes();
        KernelLibrary.operations().forEach(kernels::load);
        ByteBuffer expected = sum(cpu, new ReferenceResidualAdd());
        ByteBuffer got = sum(gpu, new CudaResidualAdd(kernels));
        int at = expected.mismatch(got);
        return new Result(
            free,
            at < 0 ? "" : "kernel layer_add differs from the processor at byte " + at,
            KernelLibrary.operations().size()
                + " operations load, layer_add of "
                + ELEMENTS
                + " numbers is the processor's");
      }
    }

    /** The sums of two arrays of normal numbers in bf16, the same ones for every device. */
    private static ByteBuffer sum(Device device, ResidualAdd addition) {
      Random random = new Random(SEED);
      try (Buffer a = numbers(device, random);
          Buffer b = numbers(device, random);
          Buffer y = device.allocate(2L * ELEMENTS)) {
        addition.add(a, b, y, ELEMENTS);
        ByteBuffer sums = ByteBuffer.allocate(2 * ELEMENTS);
        device.read(y, 0, sums);
        return sums;
      }
    }

    private static Buffer numbers(Device device, Random random) {
      ByteBuffer bytes = ByteBuffer.allocate(2 * ELEMENTS).order(ByteOrder.LITTLE_ENDIAN);
      for (int i = 0; i < ELEMENTS; i++) {
        int bits = Float.floatToRawIntBits((float) random.nextGaussian());
        bytes.putShort((short) (bits >>> 16));
      }
      Buffer buffer = device.allocate(bytes.capacity());
      device.write(buffer, 0, bytes.flip());
      return buffer;
    }
  }
}
