package org.sparkao.jobs.train.plan;

import java.io.Serializable;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import org.sparkao.gpu.device.DeviceInfo.Kind;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.gpu.train.Float8;
import org.sparkao.quant.QuantException;

/**
 * What computes, and in which numbers.
 *
 * @param device processor or GPU
 * @param arithmetic of hidden states, their gradients and fake weights; weights, their gradients
 *     and moments are fp32 in any case
 * @param float8 whether linear layers of blocks multiply fp8
 */
public record TrainCompute(Kind device, Arithmetic arithmetic, Float8 float8)
    implements Serializable {
  private static final int PROCESSOR_TOKENS = 4096;
  private static final int GPU_TOKENS = 16384;
  private static final int PROCESSOR_HEAD_ROWS = 512;
  private static final int GPU_HEAD_ROWS = 4096;

  /**
   * Refuses what a device cannot do.
   *
   * @throws QuantException with the option that asks for it
   */
  public TrainCompute {
    Objects.requireNonNull(device, "device");
    Objects.requireNonNull(float8, "float8");
    if (device == Kind.CPU && float8 != Float8.NONE) {
      throw new QuantException(
          "--float8 "
              + float8.configName()
              + ": the processor has no fp8 products; leave it out, or use --device cuda");
    }
    if (device == Kind.CPU && arithmetic == Arithmetic.BF16) {
      throw new QuantException(
          "--arithmetic bf16: the processor trains in fp32; leave it out, or use --device cuda");
    }
  }

  /** With the usual arithmetic of a device where none is asked for: bf16 on GPUs. */
  public static TrainCompute of(Kind device, Optional<Arithmetic> wanted, Float8 float8) {
    Arithmetic usual = device == Kind.CUDA ? Arithmetic.BF16 : Arithmetic.FP32;
    return new TrainCompute(device, wanted.orElse(usual), float8);
  }

  /**
   * Tokens of a forward pass, where sequences are not longer: results depend on it in last bits.
   */
  int passTokens() {
    return device == Kind.CUDA ? GPU_TOKENS : PROCESSOR_TOKENS;
  }

  /** Rows of logits that are held at a time: results depend on it in last bits. */
  public int headRows() {
    return device == Kind.CUDA ? GPU_HEAD_ROWS : PROCESSOR_HEAD_ROWS;
  }

  /** Where memory is taken, for messages. */
  String place() {
    return device == Kind.CUDA ? "the GPU" : "the heap";
  }

  /** What can be done when that is too little. */
  String more() {
    return device == Kind.CUDA
        ? "use a GPU with more memory"
        : "give executors more memory (SPARKAO_MEMORY for a local run)";
  }

  /** Such as {@code cuda, bf16}, or {@code cuda, bf16, float8 rowwise}. */
  @Override
  public String toString() {
    return device.name().toLowerCase(Locale.ROOT)
        + ", "
        + arithmetic.name().toLowerCase(Locale.ROOT)
        + (float8 == Float8.NONE ? "" : ", float8 " + float8.configName());
  }
}
