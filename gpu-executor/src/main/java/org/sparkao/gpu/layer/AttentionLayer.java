package org.sparkao.gpu.layer;

import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.gemm.DecodeGemm;
import org.sparkao.gpu.gemm.GemmCall;
import org.sparkao.gpu.quantize.ActivationQuantizer.Codes;
import org.sparkao.gpu.quantize.ActivationQuantizer.NormWeight;
import org.sparkao.gpu.quantize.ActivationQuantizer.QuantizedRows;

/**
 * The attention half of a decoder layer in fp8, for one token of each sequence: norm, projection to
 * q, k and v, rotation and append to the cache, attention, projection back with the residual, and
 * the norm of the half that follows. Activations are quantized by rows before each projection.
 *
 * <p>Intermediate results lie in memory that is taken once. A run launches and does nothing else,
 * so that it can be captured; layers of a model that run one after the other share an instance, and
 * give it their weights and caches.
 */
public final class AttentionLayer implements AutoCloseable {
  private static final long ALIGNMENT = 256;

  private final LayerOperators operators;
  private final Size size;
  private final Buffer memory;
  private final QuantizedRows normed;
  private final Buffer qkv;
  private final Buffer attended;
  private final QuantizedRows quantized;
  private final Buffer workspace;
  private long used;

  /** The steps, in their order. */
  public enum Part {
    /** Norm of x, quantized. */
    INPUT_NORM,
    /** Projection to q, k and v. */
    QKV,
    /** Rotation of q and k, append of k and v. */
    ROTATION,
    /** Attention over the cache: two kernels on a GPU. */
    ATTENTION,
    /** What attention gave, quantized. */
    QUANTIZATION,
    /** Projection back, plus x. */
    OUTPUT,
    /** Norm of y, quantized. */
    NEXT_NORM
  }

  /**
   * The most that memory is taken for.
   *
   * @param rows tokens at a time
   * @param longest tokens of a sequence
   */
  public record Size(AttentionShape shape, KvCache.Type cache, int rows, int longest) {
    /** Checks sizes. */
    public Size {
      LayerShapes.checkPositive("rows", rows);
      LayerShapes.checkAtMost("rows", rows, DecodeGemm.MOST_ROWS);
      LayerShapes.checkPositive("longest", longest);
    }
  }

  /** Takes the memory; {@link #close} gives it back. */
  public AttentionLayer(LayerOperators operators, Size size) {
    this.operators = operators;
    this.size = size;
    long rows = size.rows();
    int hidden = size.shape().hidden();
    HeadShape heads = size.shape().heads();
    long scaleBytes = Float.BYTES * rows;
    long qkvBytes = Short.BYTES * rows * heads.rowElements();
    long attendedBytes = Short.BYTES * rows * heads.queryElements();
    long workspaceBytes = workspaceBytes(operators, size);
    this.memory =
        operators
            .device()
            .allocate(
                aligned(rows * hidden)
                    + aligned(rows * heads.queryElements())
                    + 2 * aligned(scaleBytes)
                    + aligned(qkvBytes)
                    + aligned(attendedBytes)
                    + aligned(workspaceBytes));
    this.normed = new QuantizedRows(take(rows * hidden), take(scaleBytes));
    this.qkv = take(qkvBytes);
    this.attended = take(attendedBytes);
    this.quantized = new QuantizedRows(take(rows * heads.queryElements()), take(scaleBytes));
    this.workspace = take(workspaceBytes);
  }

  /**
   * Runs all parts in the order of the calling thread's stream.
   *
   * @throws IllegalArgumentException when sizes do not go together
   */
  public void run(AttentionWeights weights, AttentionCall call) {
    check(weights, call);
    for (Part part : Part.values()) {
      launch(part, weights, call);
    }
  }

  /** Runs one part; it reads what the part before left. */
  public void run(Part part, AttentionWeights weights, AttentionCall call) {
    check(weights, call);
    launch(part, weights, call);
  }

  private void launch(Part part, AttentionWeights weights, AttentionCall call) {
    switch (part) {
      case INPUT_NORM -> norm(call.x(), weights.inputNorm(), call.rows(), normed);
      case QKV -> operators.gemm().multiply(weights.qkv(), qkvCall(call));
      case ROTATION -> rotate(call.context());
      case ATTENTION -> attend(call.context());
      case QUANTIZATION -> quantize(call.rows());
      case OUTPUT -> operators.gemm().multiply(weights.output(), outputCall(call));
      case NEXT_NORM -> norm(call.y(), weights.nextNorm(), call.rows(), call.next());
    }
  }

  private void check(AttentionWeights weights, AttentionCall call) {
    weights.check(size.shape());
    call.check(size.shape());
    LayerShapes.checkAtMost("rows", call.rows(), size.rows());
    LayerShapes.checkAtMost("longest", call.context().batch().longest(), size.longest());
    if (call.context().cache().type() != size.cache()) {
      throw new IllegalArgumentException(
          "a cache of "
              + call.context().cache().type()
              + " where "
              + size.cache()
              + " is expected");
    }
  }

  private void norm(Buffer x, NormWeight weight, int rows, QuantizedRows to) {
    operators.quantizer().quantizeNormalizedRows(rows, size.shape().hidden(), x, weight, to);
  }

  private GemmCall qkvCall(AttentionCall call) {
    return GemmCall.of(call.rows(), normed.codes(), normed.scales(), qkv);
  }

  private void rotate(AttentionCall.Context context) {
    HeadShape heads = size.shape().heads();
    int rows = context.batch().sequences();
    operators
        .heads()
        .prepare(
            qkv,
            heads,
            new HeadPreparation.Places(context.positions(), Optional.empty(), rows),
            new HeadPreparation.Steps(
                Optional.empty(), Optional.of(context.rotation()), Optional.of(context.cache())));
  }

  private void attend(AttentionCall.Context context) {
    operators
        .attention()
        .attend(
            qkv,
            size.shape().heads(),
            context.cache(),
            context.batch(),
            new DecodeAttention.Output(attended, workspace));
  }

  private void quantize(int rows) {
    int columns = size.shape().heads().queryElements();
    operators.quantizer().quantizeRows(rows, columns, Codes.FP8_E4M3, attended, quantized);
  }

  private GemmCall outputCall(AttentionCall call) {
    return GemmCall.of(call.rows(), quantized.codes(), quantized.scales(), call.y()).plus(call.x());
  }

  private Buffer take(long bytes) {
    Buffer part = memory.slice(used, bytes);
    used += aligned(bytes);
    return part;
  }

  /** Of the largest call; 1 byte where an operator needs none. */
  private static long workspaceBytes(LayerOperators operators, Size size) {
    try (Buffer lengths = operators.device().allocate((long) Integer.BYTES * size.rows())) {
      DecodeAttention.Batch largest =
          new DecodeAttention.Batch(lengths, size.rows(), size.longest());
      long bytes =
          operators.attention().workspaceBytes(size.shape().heads(), size.cache(), largest);
      return Math.max(1, bytes);
    }
  }

  private static long aligned(long bytes) {
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  @Override
  public void close() {
    memory.close();
  }
}
