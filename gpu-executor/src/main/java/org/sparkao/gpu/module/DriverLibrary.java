package org.sparkao.gpu.module;

import com.sun.jna.Function;
import com.sun.jna.Memory;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import java.util.ArrayList;
import java.util.List;
import jcuda.driver.CUresult;

/** The functions of the driver that JCuda 12.6 lacks. The device layer has loaded the driver. */
final class DriverLibrary {
  private static final NativeLibrary DRIVER = NativeLibrary.getInstance("libcuda.so.1");
  private static final Function LAUNCH = DRIVER.getFunction("cuLaunchKernelEx");
  private static final Function PARAMETER = DRIVER.getFunction("cuFuncGetParamInfo");

  private static final int DATA_TYPE_UINT8 = 0;
  private static final int INTERLEAVE_NONE = 0;
  private static final int SWIZZLE_128B = 3;
  private static final int L2_PROMOTION_256B = 3;
  private static final int FILL_ZEROS = 0;

  private DriverLibrary() {}

  /** {@code cuLaunchKernelEx}: configuration, function, pointers to the arguments. */
  static int launch(Pointer configuration, long function, Pointer arguments) {
    return LAUNCH.invokeInt(
        new Object[] {configuration, new Pointer(function), arguments, Pointer.NULL});
  }

  /**
   * {@code cuTensorMapEncodeTiled} for two axes of bytes, in boxes whose rows are of 128 bytes and
   * permuted for wgmma (128-byte swizzle).
   *
   * @param map takes 128 bytes; its address is a multiple of 64
   * @param lengths of the axes, the contiguous one first; then the bytes between two rows
   * @param box lengths of a box, then the steps between its elements
   */
  static int encodeTensorMap(Pointer map, long address, Memory lengths, Memory box) {
    return DRIVER
        .getFunction("cuTensorMapEncodeTiled")
        .invokeInt(
            new Object[] {
              map,
              DATA_TYPE_UINT8,
              2,
              new Pointer(address),
              lengths,
              lengths.share(2 * Long.BYTES),
              box,
              box.share(2 * Integer.BYTES),
              INTERLEAVE_NONE,
              SWIZZLE_128B,
              L2_PROMOTION_256B,
              FILL_ZEROS
            });
  }

  /** {@code cuFuncGetParamInfo}: size of each parameter of a kernel, in order. */
  static List<Integer> parameterBytes(long function) {
    List<Integer> sizes = new ArrayList<>();
    try (Memory answer = new Memory(2 * Long.BYTES)) {
      Pointer size = answer.share(Long.BYTES);
      Pointer handle = new Pointer(function);
      while (PARAMETER.invokeInt(new Object[] {handle, (long) sizes.size(), answer, size})
          == CUresult.CUDA_SUCCESS) {
        sizes.add((int) size.getLong(0));
      }
    }
    return List.copyOf(sizes);
  }
}
