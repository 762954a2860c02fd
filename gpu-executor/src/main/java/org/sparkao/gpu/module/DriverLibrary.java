package org.sparkao.gpu.module;

import com.sun.jna.Function;
import com.sun.jna.Memory;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import java.util.ArrayList;
import java.util.List;
import jcuda.driver.CUresult;

/**
 * The two functions of the driver that JCuda 12.6 lacks. The device layer has loaded the driver.
 */
final class DriverLibrary {
  private static final NativeLibrary DRIVER = NativeLibrary.getInstance("libcuda.so.1");
  private static final Function LAUNCH = DRIVER.getFunction("cuLaunchKernelEx");
  private static final Function PARAMETER = DRIVER.getFunction("cuFuncGetParamInfo");

  private DriverLibrary() {}

  /** {@code cuLaunchKernelEx}: configuration, function, pointers to the arguments. */
  static int launch(Pointer configuration, long function, Pointer arguments) {
    return LAUNCH.invokeInt(
        new Object[] {configuration, new Pointer(function), arguments, Pointer.NULL});
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
