package org.sparkao.jobs.quantize.run;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.util.Optional;
import org.sparkao.gpu.executor.GpuExecutor;
import org.sparkao.gpu.gptq.CudaGptq;
import org.sparkao.gpu.quantize.DeviceQuantizers;
import org.sparkao.gpu.quantize.QuantizeWorkspace;
import org.sparkao.jobs.config.ByteSize;
import org.sparkao.jobs.quantize.run.TaskTimes.GpuWork;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.TensorQuantizer;
import org.sparkao.quant.calibrated.Gptq;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.safetensors.DType;

/** The GPU of this executor. Tasks that share it take turns by its permits, a weight at a time. */
final class GpuWeights implements WeightDevice {
  private final GpuExecutor gpu;
  private final QuantizeWorkspace workspace;

  GpuWeights(GpuExecutor gpu) {
    this.gpu = gpu;
    this.workspace = QuantizeWorkspace.of(gpu.kernels(), gpu.busy());
  }

  @Override
  public TensorRange range(byte[] source, int count, DType dtype) {
    return DeviceQuantizers.range(workspace, source, 0, count, dtype);
  }

  @Override
  public TensorQuantizer quantizer(QuantizeRequest request, Optional<TensorRange> range) {
    return DeviceQuantizers.create(workspace, request, range);
  }

  @Override
  public MemoryShare.Taken take(long bytes) throws InterruptedIOException {
    MemoryShare memory = MemoryShare.of(gpu);
    if (bytes > memory.bytes()) {
      throw new QuantException(
          gpu.device().info().label()
              + ": second moments of the longest rows take "
              + ByteSize.format(bytes)
              + " of its memory, and tasks share "
              + ByteSize.format(memory.bytes())
              + "; --skip the modules with the longest rows, or use --device cpu");
    }
    return memory.take(bytes);
  }

  @Override
  public Gptq gptq() {
    return new CudaGptq(gpu.kernels(), gpu.busy());
  }

  @Override
  public <R> R hold(Work<R> work) throws IOException {
    try {
      return gpu.run(
          () -> {
            try {
              return work.run();
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  @Override
  public Optional<GpuWork> work() {
    return Optional.of(
        GpuExecutor.open().stream()
            .map(open -> GpuWork.of(open.busy()))
            .reduce(GpuWork.NONE, GpuWork::plus));
  }

  @Override
  public void close() {
    workspace.close();
  }
}
