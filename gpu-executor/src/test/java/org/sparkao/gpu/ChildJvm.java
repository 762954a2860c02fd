package org.sparkao.gpu;

import java.io.IOException;
import java.lang.annotation.Annotation;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.Devices;
import org.sparkao.gpu.device.MemoryBudget;
import org.sparkao.gpu.fake.CudaFakes;
import org.sparkao.gpu.gemm.CudaDecodeGemm;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.optimizer.CudaAdamW;
import org.sparkao.gpu.quantize.QuantizeWorkspace;

/**
 * A JVM of its own for what can be seen only with another driver, or by two JVMs. Its main method
 * is told {@code probe}, {@code allocate}, {@code load}, {@code multiply}, {@code workspace} with
 * an argument for each event that must be left after it, {@code tables} with the bytes that there
 * are, or the classes of tests to run.
 */
final class ChildJvm {
  private final Process process;

  private ChildJvm(Process process) {
    this.process = process;
  }

  /**
   * Starts one.
   *
   * @param driver the folder of libcuda.so.1
   * @param environment what the stand-in for the driver pretends
   */
  static ChildJvm start(
      Path driver, Path temporaryFiles, Map<String, String> environment, List<String> arguments)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-XX:TieredStopAtLevel=1");
    command.add("-XX:+UseSerialGC");
    command.add("-Djava.io.tmpdir=" + temporaryFiles);
    // Else JNA looks in the folders of the system too.
    command.add("-Djna.platform.library.path=" + driver);
    command.add("-cp");
    command.add(driver + ":" + System.getProperty("java.class.path"));
    command.add(ChildJvm.class.getName());
    command.addAll(arguments);
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("LD_LIBRARY_PATH", driver.toString());
    builder.environment().putAll(environment);
    return new ChildJvm(builder.start());
  }

  /** Waits for its end, and gives what it printed. */
  String output() throws IOException, InterruptedException {
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    int code = process.waitFor();
    if (code != 0) {
      throw new AssertionError("exit code " + code + ":\n" + output);
    }
    return output;
  }

  /** Runs in the child. */
  public static void main(String[] arguments) throws Exception {
    switch (arguments[0]) {
      case "probe" -> {
        System.out.println(Devices.probe().summary());
        // A second question gets the same answer: nothing is left half loaded.
        System.out.println(Devices.probe().summary());
      }
      case "allocate" -> {
        try (CudaDevice device = CudaDevice.open(0, MemoryBudget.unlimited())) {
          device.allocate(1000);
        } catch (GpuException e) {
          System.out.println(e.getMessage());
        }
      }
      case "load" -> {
        try (CudaDevice device = CudaDevice.open(0, MemoryBudget.unlimited());
            KernelLibrary kernels = KernelLibrary.of(device)) {
          kernels.kernel("no_image", "f");
        } catch (GpuException e) {
          System.out.println(e.getMessage());
        }
      }
      case "multiply" -> {
        try (CudaDevice device = CudaDevice.open(0, MemoryBudget.unlimited());
            KernelLibrary kernels = KernelLibrary.of(device)) {
          new CudaDecodeGemm(kernels);
        } catch (GpuException e) {
          System.out.println(e.getMessage());
        }
      }
      case "workspace" -> {
        try (CudaDevice device = CudaDevice.open(0, MemoryBudget.unlimited());
            KernelLibrary kernels = KernelLibrary.of(device)) {
          try (QuantizeWorkspace workspace = QuantizeWorkspace.of(kernels)) {
            System.out.println("made " + workspace);
          } catch (GpuException e) {
            System.out.println(e.getMessage());
          }
          for (int i = 1; i < arguments.length; i++) {
            device.newEvent();
          }
          System.out.println(device.budget().inUse() + " bytes");
        }
      }
      case "tables" -> {
        try (CudaDevice device = CudaDevice.open(0, MemoryBudget.of(Long.parseLong(arguments[1])));
            KernelLibrary kernels = KernelLibrary.of(device)) {
          make(() -> new CudaAdamW(kernels));
          make(() -> new CudaFakes(kernels));
          System.out.println(device.budget().inUse() + " bytes");
        }
      }
      default -> {
        for (String name : arguments) {
          runTests(Class.forName(name));
        }
      }
    }
  }

  private static void make(Supplier<AutoCloseable> constructor) throws Exception {
    try {
      constructor.get().close();
      System.out.println("made");
    } catch (OutOfDeviceMemoryException e) {
      System.out.println("no memory");
    }
  }

  /** As much of JUnit as the tests of a device need: its launcher is not on the class path. */
  private static void runTests(Class<?> tests) throws ReflectiveOperationException {
    List<Method> methods = List.of(tests.getSuperclass().getDeclaredMethods());
    Constructor<?> constructor = tests.getDeclaredConstructor();
    constructor.setAccessible(true);
    for (Method test : annotated(methods, Test.class)) {
      Object instance = constructor.newInstance();
      try {
        invokeAll(annotated(methods, BeforeEach.class), instance);
        invokeAll(List.of(test), instance);
        invokeAll(annotated(methods, AfterEach.class), instance);
      } catch (InvocationTargetException e) {
        throw new AssertionError(tests.getSimpleName() + "." + test.getName(), e.getCause());
      }
      System.out.println("passed " + tests.getSimpleName() + "." + test.getName());
    }
  }

  private static List<Method> annotated(List<Method> methods, Class<? extends Annotation> type) {
    return methods.stream().filter(method -> method.isAnnotationPresent(type)).toList();
  }

  private static void invokeAll(List<Method> methods, Object instance)
      throws ReflectiveOperationException {
    for (Method method : methods) {
      method.setAccessible(true);
      method.invoke(instance);
    }
  }
}
