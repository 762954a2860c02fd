package org.sparkao.gpu.model.cuda;

import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.layer.PrefillAttention;
import org.sparkao.gpu.model.ModelOperators.HeadNorms;
import org.sparkao.gpu.model.ModelOperators.Places;
import org.sparkao.gpu.model.ModelOperators.RotaryTable;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;

/** The launcher of {@code src/main/cuda/layer_fp32}; every launch is dependent. */
final class Fp32Kernels {
  private static final String OP = "layer_fp32";
  private static final int THREADS = 256;
  private static final int HEADS_OF_BLOCK = 8;
  private static final int TILE = 64;
  private static final int PADDING = 4;

  /** Most elements of a head. */
  static final int WIDEST = 256;

  private static final int LARGEST_GRID_Y = 65535;

  private final KernelLibrary library;

  Fp32Kernels(KernelLibrary library) {
    this.library = library;
  }

  /** y = norm of x; y may be x. */
  void norm(Buffer x, Fp32Norm norm, Buffer y, int rows) {
    launch("layer_fp32_rms_norm", rows + "x" + norm.columns(), rows, 1)
        .with(x)
        .with(norm.weight())
        .with(y)
        .with(norm.columns())
        .with(norm.epsilon())
        .run();
  }

  /** The weight of a norm, fp32 [columns]. */
  record Fp32Norm(Buffer weight, int columns, float epsilon) {}

  /** Norms and rotation of q and k heads, in place. */
  void heads(
      Buffer qkv, HeadShape shape, Places places, Optional<HeadNorms> norms, RotaryTable rotation) {
    int heads = shape.queryHeads() + shape.keyHeads();
    Launch launch =
        launch(
                "layer_fp32_heads",
                places.rows() + " rows of " + shape,
                places.rows(),
                (heads + HEADS_OF_BLOCK - 1) / HEADS_OF_BLOCK)
            .with(qkv)
            .with(places.positions())
            .with(rotation.cosines())
            .with(rotation.sines());
    if (norms.isPresent()) {
      launch.with(norms.get().query()).with(norms.get().key());
    } else {
      launch.withNull().withNull();
    }
    launch
        .with(shape.queryHeads())
        .with(shape.keyHeads())
        .with(shape.dimension())
        .with(norms.map(HeadNorms::epsilon).orElse(0f))
        .run();
  }

  /** Causal attention of whole sequences. */
  void attend(Buffer qkv, HeadShape shape, PrefillAttention.Batch batch, Buffer out) {
    int dimension = padded(shape.dimension());
    Launch launch =
        library
            .kernel(OP, "layer_fp32_attention_" + dimension)
            .launch(batch.tokens() + " tokens of " + batch.sequences() + " sequences, " + shape)
            .grid((batch.longest() + TILE - 1) / TILE, shape.queryHeads(), batch.sequences())
            .block(THREADS)
            .sharedBytes(sharedBytes(dimension))
            .dependent()
            .with(qkv)
            .with(out)
            .with(batch.boundaries());
    if (batch.prefixes().isPresent()) {
      launch.with(batch.prefixes().get());
    } else {
      launch.withNull();
    }
    launch
        .with(shape.queryHeads())
        .with(shape.keyHeads())
        .with(shape.dimension())
        .with(shape.scale())
        .run();
  }

  /** What heads of so many elements are filled up to. */
  static int padded(int dimension) {
    return dimension <= 64 ? 64 : dimension <= 128 ? 128 : WIDEST;
  }

  /** {@code Tile<dim>::kBytes} of {@code attention.cuh}. */
  static int sharedBytes(int dimension) {
    int pitch = TILE + PADDING;
    return Float.BYTES * (2 * dimension + TILE) * pitch;
  }

  /** y = silu(gate) * up of rows of gates, then ups. */
  void gate(Buffer x, Buffer y, int rows, int columns) {
    int blocks = (columns + THREADS - 1) / THREADS;
    launch("layer_fp32_swiglu", rows + "x" + columns, blocks, Math.min(rows, LARGEST_GRID_Y))
        .with(x)
        .with(y)
        .with(rows)
        .with(columns)
        .run();
  }

  /** y = a + b; y may be either. */
  void add(Buffer a, Buffer b, Buffer y, long count) {
    int blocks = Math.toIntExact((count + THREADS - 1) / THREADS);
    launch("layer_fp32_add", count + " numbers", blocks, 1)
        .with(a)
        .with(b)
        .with(y)
        .with(count)
        .run();
  }

  private Launch launch(String kernel, String what, int gridX, int gridY) {
    return library.kernel(OP, kernel).launch(what).grid(gridX, gridY).block(THREADS).dependent();
  }
}
