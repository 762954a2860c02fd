package org.sparkao.gpu.layer;

import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;

/** One kernel: 64 queries a block against tiles of keys, softmax on the way. */
public final class CudaPrefillAttention implements PrefillAttention {
  private static final int THREADS = 128;
  private static final int QUERIES = 64;
  private static final int KEYS = 64;
  private static final int KEYS_WIDEST = 32;
  private static final int WIDEST = 256;
  private static final int PADDING = 8;

  private final KernelLibrary library;

  /** On the device of a library. */
  public CudaPrefillAttention(KernelLibrary library) {
    this.library = library;
  }

  @Override
  public void attend(Buffer qkv, HeadShape shape, Batch batch, Buffer out) {
    AttentionKernels.check(shape);
    batch.check(qkv, shape, out);
    long headBytes = (long) Short.BYTES * shape.dimension();
    long keys = shape.queryHeads() * headBytes;
    long values = keys + shape.keyHeads() * headBytes;
    Launch launch =
        library
            .kernel(AttentionKernels.OP, "attention_prefill_" + shape.dimension())
            .launch(batch.tokens() + " tokens of " + batch.sequences() + " sequences, " + shape)
            .grid(
                LayerShapes.ceilDiv(batch.longest(), QUERIES),
                shape.queryHeads(),
                batch.sequences())
            .block(THREADS)
            .sharedBytes(sharedBytes(shape.dimension()))
            .dependent()
            .with(qkv)
            .with(qkv.slice(keys, qkv.bytes() - keys))
            .with(qkv.slice(values, qkv.bytes() - values))
            .with(out)
            .with(batch.boundaries());
    LayerKernels.add(launch, batch.prefixes());
    launch
        .with(shape.queryHeads())
        .with(shape.keyHeads())
        .with(shape.rowElements())
        .with(shape.scale())
        .run();
  }

  /** Rows of queries, keys and values, each padded against bank conflicts. */
  private static int sharedBytes(int dimension) {
    int keys = dimension == WIDEST ? KEYS_WIDEST : KEYS;
    return Short.BYTES * (dimension + PADDING) * (QUERIES + 2 * keys);
  }
}
