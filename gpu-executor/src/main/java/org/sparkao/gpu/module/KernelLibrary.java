package org.sparkao.gpu.module;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import jcuda.driver.CUmodule;
import jcuda.driver.JCudaDriver;
import org.sparkao.gpu.GpuErrors;
import org.sparkao.gpu.GpuException;
import org.sparkao.gpu.device.CudaDevice;

/**
 * The kernels of this build on one device. An operation's code is loaded when its first kernel is
 * asked for, and every function is looked up once. Any thread may use it.
 */
public final class KernelLibrary implements AutoCloseable {
  private static final String HOPPER = "sm_90";
  private static final List<String> OPERATIONS =
      List.of(
          "adamw",
          "attention",
          "fake",
          "gemm_decode",
          "gemm_fp32",
          "gemm_grouped",
          "gemm_int4",
          "gemm_int4_e4m3",
          "gemm_int4_fp16",
          "gemm_portable",
          "gemm_prefill",
          "gemm_sparse",
          "gemm_train",
          "gptq",
          "layer",
          "layer_fp32",
          "mixture",
          "observe",
          "quantize",
          "rows",
          "sample",
          "train_attention",
          "train_float8",
          "train_losses",
          "train_rows");

  private final CudaDevice device;
  private final Map<String, CUmodule> modules = new ConcurrentHashMap<>();
  private final Map<String, Kernel> kernels = new ConcurrentHashMap<>();

  private KernelLibrary(CudaDevice device) {
    this.device = device;
  }

  /** The kernels on a device. The caller closes the library, before the device. */
  public static KernelLibrary of(CudaDevice device) {
    return new KernelLibrary(device);
  }

  /**
   * Whether this build compiled the kernels of an operation; planning asks before anything runs.
   */
  public static boolean built(String op) {
    return KernelLibrary.class.getResource(resource(op)) != null;
  }

  /** All operations that have kernels: the folders of {@code src/main/cuda}. */
  public static List<String> operations() {
    return OPERATIONS;
  }

  /**
   * What the compiled code of an operation is for: {@code sm_90} (machine code) or {@code
   * compute_80} (PTX, for that architecture and later ones); nothing when it was not built.
   */
  public static List<String> architectures(String op) {
    try (InputStream in = KernelLibrary.class.getResourceAsStream(resource(op))) {
      return in == null ? List.of() : FatBinary.architectures(in.readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Loads the code of an operation, unless it is loaded.
   *
   * @throws GpuException when this build or this device cannot
   */
  public void load(String op) {
    modules.computeIfAbsent(op, this::read);
  }

  /** The device that the kernels run on. */
  public CudaDevice device() {
    return device;
  }

  /** Whether the kernels written for Hopper alone (wgmma, bulk copies, clusters) run here. */
  public boolean hopper() {
    return device.info().architecture().equals(HOPPER);
  }

  /**
   * A kernel.
   *
   * @param op the folder of {@code src/main/cuda} that holds it
   * @param function its {@code extern "C"} name
   */
  public Kernel kernel(String op, String function) {
    // Not computeIfAbsent of one map inside the other's: a module has many functions.
    Kernel known = kernels.get(function);
    if (known != null) {
      return known;
    }
    CUmodule module = modules.computeIfAbsent(op, this::read);
    return kernels.computeIfAbsent(function, name -> Kernel.find(device, module, op, name));
  }

  /** Unloads all code; no launch may be under way. Closing twice does nothing. */
  @Override
  public void close() {
    List<CUmodule> loaded = new ArrayList<>(modules.values());
    modules.clear();
    kernels.clear();
    if (device.isOpen()) {
      loaded.forEach(
          module -> device.call("cuModuleUnload", () -> JCudaDriver.cuModuleUnload(module)));
    }
  }

  private CUmodule read(String op) {
    byte[] code;
    try (InputStream in = KernelLibrary.class.getResourceAsStream(resource(op))) {
      if (in == null) {
        throw new GpuException(GpuErrors.noKernels(op));
      }
      code = in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    CUmodule module = new CUmodule();
    device.call("loading the kernels of " + op, () -> JCudaDriver.cuModuleLoadData(module, code));
    return module;
  }

  private static String resource(String op) {
    return "/org/sparkao/gpu/kernels/" + op + ".fatbin";
  }
}
