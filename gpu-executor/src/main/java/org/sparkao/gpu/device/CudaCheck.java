package org.sparkao.gpu.device;

import java.util.Map;
import jcuda.driver.CUresult;
import org.sparkao.gpu.GpuErrors;
import org.sparkao.gpu.GpuException;
import org.sparkao.gpu.OutOfDeviceMemoryException;

/** Turns what the driver returns into exceptions. JCuda's own exceptions stay off. */
final class CudaCheck {
  private static final String LOST =
      "the context is lost and this JVM must end; compute-sanitizer on the kernel's bench names the line";
  private static final Map<Integer, String> HINTS =
      Map.ofEntries(
          Map.entry(
              CUresult.CUDA_ERROR_OUT_OF_MEMORY,
              "the memory of the device is taken; nvidia-smi lists by whom"),
          Map.entry(
              CUresult.CUDA_ERROR_DEVICE_UNAVAILABLE,
              "another process has the GPU for itself (nvidia-smi -q -d COMPUTE)"),
          Map.entry(
              CUresult.CUDA_ERROR_NO_BINARY_FOR_GPU,
              "the kernels of this build are for sm_90a, and as PTX for sm_80 and later"),
          Map.entry(
              CUresult.CUDA_ERROR_INVALID_PTX,
              "the driver cannot compile the kernels for this device; update the driver"),
          Map.entry(
              CUresult.CUDA_ERROR_UNSUPPORTED_PTX_VERSION,
              "the driver is older than the nvcc of this build; update the driver"),
          Map.entry(
              CUresult.CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES,
              "the block needs more registers or shared memory than a multiprocessor has"),
          Map.entry(
              CUresult.CUDA_ERROR_INVALID_VALUE,
              "grid, block, shared memory or a size is outside what the device allows"),
          Map.entry(CUresult.CUDA_ERROR_ILLEGAL_ADDRESS, LOST),
          Map.entry(CUresult.CUDA_ERROR_MISALIGNED_ADDRESS, LOST),
          Map.entry(CUresult.CUDA_ERROR_ILLEGAL_INSTRUCTION, LOST),
          Map.entry(CUresult.CUDA_ERROR_LAUNCH_FAILED, LOST),
          Map.entry(CUresult.CUDA_ERROR_ASSERT, LOST),
          Map.entry(CUresult.CUDA_ERROR_ECC_UNCORRECTABLE, LOST),
          Map.entry(
              CUresult.CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, GpuErrors.duringCapture("this")));

  private CudaCheck() {}

  /** Throws when a call of the driver failed. */
  static void check(String device, String what, int result) {
    if (result == CUresult.CUDA_SUCCESS) {
      return;
    }
    String message =
        GpuErrors.call(
            device, what, name(result) + " (" + result + ")", HINTS.getOrDefault(result, ""));
    throw result == CUresult.CUDA_ERROR_OUT_OF_MEMORY
        ? new OutOfDeviceMemoryException(message)
        : new GpuException(message);
  }

  /** The driver's name of a result. */
  static String name(int result) {
    return CUresult.stringFor(result);
  }
}
