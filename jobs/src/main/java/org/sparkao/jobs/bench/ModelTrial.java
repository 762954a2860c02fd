package org.sparkao.jobs.bench;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.layer.KvCache;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.gpu.model.ModelConfig.Sizes;
import org.sparkao.gpu.model.cuda.CudaModelOptions;
import org.sparkao.jobs.config.Config;
import org.sparkao.quant.scheme.QuantScheme;
import org.sparkao.quant.scheme.Schemes;

/**
 * What {@code bench decode} and {@code bench prefill} time: Llama-3.1 8B with random weights;
 * nothing here needs a GPU.
 *
 * @param weights of linear layers, each a model; empty for bf16
 * @param batches sequences at a time, each a time
 * @param context tokens of a sequence
 * @param cache of keys and values
 * @param options of head and embedding
 */
record ModelTrial(
    List<Optional<QuantScheme>> weights,
    List<Integer> batches,
    int context,
    KvCache.Type cache,
    CudaModelOptions options) {
  /** Llama-3.1 8B. */
  static final Sizes SIZES = new Sizes(128_256, 4096, 14_336, 32, 131_072);

  static final HeadShape HEADS = new HeadShape(32, 8, 128);

  private static final List<Optional<QuantScheme>> WEIGHTS =
      List.of(
          Optional.empty(),
          Optional.of(Schemes.parse("FP8_DYNAMIC")),
          Optional.of(Schemes.parse("W4A16")));

  /** Smaller batches first, so that the peak of memory is theirs. */
  ModelTrial {
    weights = List.copyOf(weights);
    batches = batches.stream().sorted().toList();
  }

  /** Reads it from a configuration. */
  static ModelTrial of(Config config, List<Integer> batches, int context) {
    List<Optional<QuantScheme>> given = config.all(ModelKeys.WEIGHTS);
    List<Integer> givenBatches = config.all(ModelKeys.BATCH);
    return new ModelTrial(
        given.isEmpty() ? WEIGHTS : given,
        givenBatches.isEmpty() ? batches : givenBatches,
        context,
        config.value(ModelKeys.KV_CACHE),
        new CudaModelOptions(
            Arithmetic.BF16, config.value(ModelKeys.HEAD), config.value(ModelKeys.EMBEDDING)));
  }

  /** For the column of shapes. */
  String label(int batch) {
    return batch + " x " + context + " tokens, Llama-3.1-8B";
  }

  /** Name of some weights. */
  static String name(Optional<QuantScheme> weights) {
    return weights.map(QuantScheme::name).orElse(ModelKeys.BF16);
  }

  /** Of the tables and the cache, for the column of configurations. */
  String tables() {
    return "head "
        + ModelKeys.tableName(options.head())
        + ", embedding "
        + ModelKeys.tableName(options.embedding())
        + ", KV "
        + cache.name().toLowerCase(Locale.ROOT);
  }

  /** Weights of a layer's products. */
  private static long weightsOfLayer() {
    long attention = (long) SIZES.hidden() * (HEADS.rowElements() + HEADS.queryElements());
    return attention + 3L * SIZES.hidden() * SIZES.intermediate();
  }

  /** Multiplications and additions of products for some tokens, and of the head for some rows. */
  static long operations(long tokens, long rows) {
    return 2 * tokens * SIZES.layers() * weightsOfLayer()
        + 2 * rows * SIZES.hidden() * SIZES.vocabulary();
  }

  /** Bytes of keys and values, their scales included. */
  long cacheBytes(int batch) {
    long slots = 2L * SIZES.layers() * batch * context * HEADS.keyHeads();
    return slots * ((long) HEADS.dimension() * cache.bytes() + (cache.isCoded() ? Float.BYTES : 0));
  }
}
