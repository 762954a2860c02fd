package org.sparkao.gpu.layer;

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
    String kernel = "attention_decode_" + cache.type().kernelName() + "_" + shape.dimension();
    Launch launch =
        library
            .kernel(AttentionKernels.OP, kernel)
            .launch(what)
            .grid(
                shape.keyHeads() * LayerShapes.ceilDiv(shape.ratio(), HEADS_A_BLOCK),
                splits,
                batch.sequences())
            .block(THREADS)
            .dependent()
            .with(qkv)
            .with(cache.keys())
            .with(cache.values());
    LayerKernels.add(launch, cache.keyScales());
    LayerKernels.add(launch, cache.valueScales());
    launch
        .with(batch.lengths())
        .with(partial)
        .with(marks)
        .with(shape.queryHeads())
        .with(shape.keyHeads())
        .with(shape.rowElements())
        .with(cache.capacity())
        .with(splits)
        .with(cache.perToken() ? 1 : 0)
        .with(shape.scale())
        .run();
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
