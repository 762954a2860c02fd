package org.sparkao.jobs.quantize.run;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.Optional;
import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.jobs.gpu.ExecutorGpu;
import org.sparkao.jobs.gpu.PlannedDevice;
import org.sparkao.jobs.quantize.run.TaskTimes.GpuWork;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.algorithm.TensorQuantizer;
import org.sparkao.quant.calibrated.CpuGptq;
import org.sparkao.quant.calibrated.Gptq;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.safetensors.DType;

/** Where the weights of a file become codes: the only place that knows of devices. */
interface WeightDevice extends AutoCloseable {

  /** Work with files in it. */
  @FunctionalInterface
  interface Work<R> {
    /** Does it. */
    R run() throws IOException;
  }

  /** The range of {@code count} weights, little endian from the first byte on. */
  TensorRange range(byte[] source, int count, DType dtype);

  /** A quantizer for one weight, used inside {@link #hold}, one at a time. */
  TensorQuantizer quantizer(QuantizeRequest request, Optional<TensorRange> range);

  /**
   * Waits until so much memory of a GPU is free for this task; closing gives it back.
   *
   * @throws org.sparkao.quant.QuantException when it never is
   */
  MemoryShare.Taken take(long bytes) throws InterruptedIOException;

  /** GPTQ, used inside {@link #hold}; what it prepared is closed before this is. */
  Gptq gptq();

  /** Does the work on one weight, when its turn has come. */
  <R> R hold(Work<R> work) throws IOException;

  /** What the GPUs of this executor have done so far; empty on the processor. */
  Optional<GpuWork> work();

  @Override
  void close();

  /**
   * The planned one.
   *
   * @throws org.sparkao.gpu.GpuException when this executor lacks it, with the reason
   */
  static WeightDevice of(PlannedDevice planned) {
    return planned.kind() == DeviceInfo.Kind.CUDA
        ? new GpuWeights(ExecutorGpu.require())
        : new Processor();
  }

  /** The processor, which has room for all. */
  final class Processor implements WeightDevice {
    @Override
    public TensorRange range(byte[] source, int count, DType dtype) {
      return Quantizers.range(source, 0, count, dtype);
    }

    @Override
    public TensorQuantizer quantizer(QuantizeRequest request, Optional<TensorRange> range) {
      return Quantizers.create(request, range);
    }

    @Override
    public MemoryShare.Taken take(long bytes) {
      return () -> {};
    }

    @Override
    public Gptq gptq() {
      return new CpuGptq();
    }

    @Override
    public <R> R hold(Work<R> work) throws IOException {
      return work.run();
    }

    @Override
    public Optional<GpuWork> work() {
      return Optional.empty();
    }

    @Override
    public void close() {}
  }
}
