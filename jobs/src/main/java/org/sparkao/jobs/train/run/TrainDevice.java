package org.sparkao.jobs.train.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.function.Supplier;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.device.DeviceInfo.Kind;
import org.sparkao.gpu.executor.GpuExecutor;
import org.sparkao.gpu.fake.CudaFakes;
import org.sparkao.gpu.fake.FakeDevice;
import org.sparkao.gpu.fake.HostFakes;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.optimizer.AdamW;
import org.sparkao.gpu.optimizer.CudaAdamW;
import org.sparkao.gpu.optimizer.HostAdamW;
import org.sparkao.gpu.train.TrainingOperators;
import org.sparkao.gpu.train.cpu.CpuTrainingOperators;
import org.sparkao.gpu.train.cuda.CudaTrainingOperators;
import org.sparkao.jobs.gpu.ExecutorGpu;
import org.sparkao.jobs.train.plan.TrainCompute;

/** All that training takes of one device, for one task. */
final class TrainDevice implements AutoCloseable {
  private final TrainingOperators operators;
  private final AdamW adamW;
  private final FakeDevice fakes;
  private final Runnable closing;

  private TrainDevice(
      TrainingOperators operators, AdamW adamW, FakeDevice fakes, Runnable closing) {
    this.operators = operators;
    this.adamW = adamW;
    this.fakes = fakes;
    this.closing = closing;
  }

  /** What was planned; the caller closes it. */
  static TrainDevice open(TrainCompute compute) {
    if (compute.device() == Kind.CUDA) {
      KernelLibrary kernels = ExecutorGpu.require().kernels();
      // Refuses first what this GPU cannot do.
      return open(kernels, new CudaTrainingOperators(kernels, compute.arithmetic()));
    }
    CpuDevice device = CpuDevice.open();
    CpuTrainingOperators operators =
        new CpuTrainingOperators(device, Runtime.getRuntime().availableProcessors());
    return new TrainDevice(
        operators,
        new HostAdamW(operators.workers()),
        new HostFakes(device, operators.workers()),
        () -> {});
  }

  private static TrainDevice open(KernelLibrary kernels, TrainingOperators operators) {
    try {
      CudaAdamW adamW = new CudaAdamW(kernels);
      try {
        return new TrainDevice(operators, adamW, new CudaFakes(kernels), adamW::close);
      } catch (RuntimeException e) {
        adamW.close();
        throw e;
      }
    } catch (RuntimeException e) {
      operators.close();
      throw e;
    }
  }

  /** Work of a task. */
  interface Work {
    void run() throws IOException;
  }

  /**
   * Does it; on a GPU in a stream of its own.
   *
   * @param shared whether it waits for other tasks, which then cannot wait for its permit
   */
  static void run(TrainCompute compute, boolean shared, Work work) throws IOException {
    if (compute.device() == Kind.CPU) {
      work.run();
      return;
    }
    GpuExecutor gpu = ExecutorGpu.require();
    Supplier<Boolean> done =
        () -> {
          runUnchecked(work);
          return true;
        };
    try {
      if (shared) {
        gpu.runWithoutPermit(done);
      } else {
        gpu.run(done);
      }
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  private static void runUnchecked(Work work) {
    try {
      work.run();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  TrainingOperators operators() {
    return operators;
  }

  AdamW adamW() {
    return adamW;
  }

  FakeDevice fakes() {
    return fakes;
  }

  @Override
  public void close() {
    fakes.close();
    closing.run();
    operators.close();
  }
}
