package org.sparkao.gpu.device;

import com.sun.jna.Function;
import com.sun.jna.NativeLibrary;
import com.sun.jna.ptr.IntByReference;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import jcuda.driver.CUresult;
import org.sparkao.gpu.GpuErrors;
import org.sparkao.gpu.GpuException;

/**
 * The way to the driver. JNA asks first whether there is one that fits: a JCuda class that was
 * touched without a driver is unusable for the rest of the JVM's life, a failed question through
 * JNA leaves nothing behind.
 */
final class Driver {
  /**
   * The first driver that runs what nvcc 13.0 makes. Device code of one major version needs a
   * driver of that version or later; within 13 any driver runs code for its own architecture.
   */
  static final int NEEDED_VERSION = 13000;

  static final String LIBRARY = "libcuda.so.1";

  private static final Path KERNEL_MODULE = Path.of("/proc/driver/nvidia/version");
  private static final Pattern MODULE_VERSION = Pattern.compile("\\b\\d{3,}\\.\\d+(\\.\\d+)?\\b");

  private Driver() {}

  /**
   * Starts the driver, and JCuda behind it.
   *
   * @return the version of CUDA that the driver supports: 13020 is 13.2
   * @throws GpuException with the reason, when CUDA cannot be used here
   */
  static int start() {
    NativeLibrary library = open();
    int initialized = library.getFunction("cuInit").invokeInt(new Object[] {0});
    if (initialized == CUresult.CUDA_ERROR_NO_DEVICE) {
      throw new GpuException(GpuErrors.noDevice());
    }
    if (initialized != CUresult.CUDA_SUCCESS) {
      throw new GpuException(
          GpuErrors.driverFailed("cuInit", initialized, CudaCheck.name(initialized)));
    }
    int version = ask(library, "cuDriverGetVersion");
    if (version < NEEDED_VERSION) {
      throw new GpuException(GpuErrors.driverTooOld(version, NEEDED_VERSION));
    }
    if (ask(library, "cuDeviceGetCount") == 0) {
      throw new GpuException(GpuErrors.noDevice());
    }
    try {
      NativeLibraries.loadJcuda();
    } catch (LinkageError e) {
      throw new GpuException(GpuErrors.noNatives("JCuda", e.getMessage()), e);
    }
    return version;
  }

  /** Such as {@code CUDA 13.0, driver 580.159.04}. */
  static String label(int version) {
    String cuda = "CUDA " + version / 1000 + "." + version % 1000 / 10;
    try {
      Matcher module = MODULE_VERSION.matcher(Files.readString(KERNEL_MODULE));
      return module.find() ? cuda + ", driver " + module.group() : cuda;
    } catch (IOException e) {
      return cuda;
    }
  }

  private static NativeLibrary open() {
    NativeLibraries.prepareJna();
    try {
      return NativeLibrary.getInstance(LIBRARY);
    } catch (UnsatisfiedLinkError e) {
      boolean jnaItself = e.getMessage() != null && e.getMessage().contains("jnidispatch");
      throw new GpuException(
          jnaItself
              ? GpuErrors.noNatives("JNA", e.getMessage())
              : GpuErrors.noDriver(e.getMessage()),
          e);
    } catch (LinkageError e) {
      throw new GpuException(GpuErrors.noNatives("JNA", e.toString()), e);
    }
  }

  private static int ask(NativeLibrary library, String name) {
    IntByReference answer = new IntByReference();
    Function function = library.getFunction(name);
    int result = function.invokeInt(new Object[] {answer});
    if (result != CUresult.CUDA_SUCCESS) {
      throw new GpuException(GpuErrors.driverFailed(name, result, CudaCheck.name(result)));
    }
    return answer.getValue();
  }
}
