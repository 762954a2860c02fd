package org.sparkao.gpu.layer;

import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;

/**
 * Two kernels: one block for each split of the context and key head, then one that joins the splits
 * in their order. Splits count positions, whatever the batch.
 */
public final class CudaDecodeAttention implements DecodeAttention {
  private static final int THREADS = 128;
  private static final int COMBINE_THREADS = 256;
  private static final int HEADS_A_BLOCK = 8;
  private static final int WIDEST = 256;
  private static final int BF16_SPLIT = 128;
  private static final int CODES_SPLIT = 256;

  /** So many blocks for each multiprocessor keep the memory busy until the last few. */
  private static final int WAVES = 6;

  private final KernelLibrary library;

  /** On the device of a library. */
  public CudaDecodeAttention(KernelLibrary library) {
    this.library = library;
  }

  @Override
  public long workspaceBytes(HeadShape shape, KvCache.Type type, Batch batch) {
    return Float.BYTES * (partialElements(shape, type, batch) + 2 * marks(shape, type, batch));
  }

  @Override
  public void attend(Buffer qkv, HeadShape shape, KvCache cache, Batch batch, Output out) {
    AttentionKernels.check(shape);
    out.check(qkv, shape, cache, batch);
    long partialBytes = Float.BYTES * partialElements(shape, cache.type(), batch);
    long markBytes = Float.BYTES * 2 * marks(shape, cache.type(), batch);
    LayerShapes.checkBytes("workspace", out.workspace(), partialBytes + markBytes, 1);
    Buffer partial = out.workspace().slice(0, partialBytes);
    Buffer marks = out.workspace().slice(partialBytes, markBytes);
    String what = batch.sequences() + " of " + batch.longest() + " positions, " + shape;
    int splits = splits(shape, cache.type(), batch);
    boolean whole = isWhole(shape, splits, batch.sequences());
    String kernel = "attention_decode_" + cache.type().kernelName() + "_" + shape.dimension();
    Launch launch =
        library
            .kernel(AttentionKernels.OP, kernel)
            .launch(what)
            .grid(columns(shape), whole ? 1 : splits, batch.sequences())
            .block(THREADS)
            .dependent()
            .with(qkv)
            .with(cache.keys())
            .with(cache.values());
    LayerKernels.add(launch, cache.keyScales());
    LayerKernels.add(launch, cache.valueScales());
    launch.with(batch.lengths()).with(partial).with(marks);
    LayerKernels.add(launch, whole ? Optional.of(out.values()) : Optional.empty());
    launch
        .with(shape.queryHeads())
        .with(shape.keyHeads())
        .with(shape.rowElements())
        .with(cache.capacity())
        .with(splits)
        .with(cache.perToken() ? 1 : 0)
        .with(shape.scale())
        .run();
    if (whole) {
      return;
    }
    library
        .kernel(AttentionKernels.OP, "attention_combine")
        .launch(what)
        .grid(shape.queryHeads(), batch.sequences())
        .block(COMBINE_THREADS)
        .dependent()
        .with(partial)
        .with(marks)
        .with(batch.lengths())
        .with(out.values())
        .with(shape.dimension())
        .with(split(shape, cache.type()))
        .with(splits)
        .with(cache.capacity())
        .run();
  }

  /** Blocks that the heads of a sequence take, for each split. */
  private static int columns(HeadShape shape) {
    return shape.keyHeads() * LayerShapes.ceilDiv(shape.ratio(), HEADS_A_BLOCK);
  }

  /**
   * Whether a block takes all splits of a sequence: no bit depends on it, but one block must be
   * enough for a sequence, and join its splits in the order of {@code attention_combine}.
   */
  private boolean isWhole(HeadShape shape, int splits, int sequences) {
    int blocks = columns(shape) * sequences;
    return splits <= COMBINE_THREADS / (shape.dimension() / 4)
        && blocks >= WAVES * library.device().info().multiprocessors();
  }

  /** Positions of a split, as the kernel has them. */
  private static int split(HeadShape shape, KvCache.Type type) {
    int positions = type == KvCache.Type.BF16 ? BF16_SPLIT : CODES_SPLIT;
    return shape.dimension() == WIDEST ? positions / 2 : positions;
  }

  private static int splits(HeadShape shape, KvCache.Type type, Batch batch) {
    return LayerShapes.ceilDiv(batch.longest(), split(shape, type));
  }

  private static long marks(HeadShape shape, KvCache.Type type, Batch batch) {
    return (long) batch.sequences() * shape.queryHeads() * splits(shape, type, batch);
  }

  private static long partialElements(HeadShape shape, KvCache.Type type, Batch batch) {
    return marks(shape, type, batch) * shape.dimension();
  }
}
