package org.sparkao.gpu.observe;

import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.gpu.model.DeviceObserver;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;

/** The launches of {@code src/main/cuda/observe}. */
final class ObserveKernels {
  static final String OP = "observe";

  /** Pitches are multiples of it. */
  static final int ALIGNMENT = 16;

  private static final int THREADS = 256;
  private static final int COLUMN_THREADS = 128;
  private static final int TILE = 128;
  private static final int SIDE = 32;
  private static final int HEAD_THREADS = 64;
  private static final int HEAD_PIECES = 16;

  /** Rows whose sums are made in fp32. */
  private static final int SUMMED_ROWS = 64;

  private static final int WARPS = THREADS / 32;
  private static final int BLOCKS_EACH = 2;
  private static final int FOUR = 4;

  private final KernelLibrary library;
  private final String type;

  ObserveKernels(KernelLibrary library, Arithmetic arithmetic) {
    this.library = library;
    this.type = arithmetic == Arithmetic.BF16 ? "_bf16" : "_fp32";
  }

  KernelLibrary library() {
    return library;
  }

  static int pitch(int k) {
    return ceilDiv(k, ALIGNMENT) * ALIGNMENT;
  }

  /** Bytes of the parts that {@link #channels} makes of some rows. */
  static long partBytes(int rows, int pitch) {
    return (long) FOUR * Float.BYTES * ceilDiv(rows, SUMMED_ROWS) * pitch;
  }

  private static int ceilDiv(int count, int size) {
    return (count + size - 1) / size;
  }

  private Launch launch(String kernel, int blocks, int threads) {
    return library.kernel(OP, "observe_" + kernel).launch(kernel).grid(blocks).block(threads);
  }

  /** As many blocks as run at once. */
  private Launch everywhere(String kernel) {
    int blocks = FOUR * BLOCKS_EACH * library.device().info().multiprocessors();
    return launch(kernel, blocks, THREADS);
  }

  /** Rows [rows, k] to [rows, pitch], through a norm where there is one. */
  void arrange(Buffer y, Buffer x, int rows, int k, Optional<DeviceObserver.Norm> norm) {
    Launch launch = launch("arrange" + type, rows, THREADS).with(y).with(pitch(k)).with(x).with(k);
    norm.ifPresentOrElse(one -> launch.with(one.weight()), launch::withNull);
    launch.with(norm.map(DeviceObserver.Norm::epsilon).orElse(0f)).run();
  }

  /** Extremes and sums of channels of [rows, pitch]. */
  void channels(InputMemory sums, Buffer part, Buffer x, int rows) {
    int pieces = ceilDiv(rows, SUMMED_ROWS);
    int pitch = pitch(sums.k());
    launch("channels" + type, 1, COLUMN_THREADS)
        .grid(ceilDiv(pitch, COLUMN_THREADS), pieces)
        .with(part)
        .with(x)
        .with(rows)
        .with(pitch)
        .run();
    launch("add_channels", ceilDiv(sums.k(), COLUMN_THREADS), COLUMN_THREADS)
        .with(sums.extremes())
        .with(sums.sums())
        .with(part)
        .with(pieces)
        .with(sums.k())
        .with(pitch)
        .run();
  }

  /** Counts magnitudes of [rows, pitch]. */
  void histogram(InputMemory sums, Buffer x, int rows) {
    int blocks = BLOCKS_EACH * library.device().info().multiprocessors();
    launch("histogram" + type, Math.min(blocks, ceilDiv(rows, WARPS)), THREADS)
        .with(sums.counts())
        .with(x)
        .with(rows)
        .with(sums.k())
        .with(pitch(sums.k()))
        .run();
  }

  /** Adds X^T X of [rows, pitch] to the upper tiles of [pitch, pitch]. */
  void products(Buffer products, Buffer x, int rows, int pitch) {
    int side = ceilDiv(pitch, TILE);
    launch("products" + type, side * (side + 1) / 2, THREADS)
        .with(products)
        .with(x)
        .with(rows)
        .with(pitch)
        .run();
  }

  /** Largest magnitudes of heads of [rows, rowElements] from element {@code first} on. */
  void heads(Buffer amax, Buffer x, int rows, Heads heads) {
    launch("heads" + type, 1, HEAD_THREADS)
        .grid(heads.count(), HEAD_PIECES)
        .with(amax)
        .with(x)
        .with(rows)
        .with(heads.rowElements())
        .with(heads.first())
        .with(heads.dimension())
        .run();
  }

  /** The larger of both. */
  void mergeHeads(Buffer left, Buffer right) {
    int count = Math.toIntExact(left.bytes() / Float.BYTES);
    launch("merge_heads", 1, THREADS).with(left).with(right).with(count).run();
  }

  /** Heads side by side in a row. */
  record Heads(int count, int rowElements, int first, int dimension) {}

  void clear(InputMemory sums) {
    everywhere("clear")
        .with(sums.extremes())
        .with(sums.sums())
        .with(sums.counts())
        .with(sums.k())
        .run();
    sums.products()
        .ifPresent(h -> everywhere("zero").with(h).with(h.bytes() / FOUR / Float.BYTES).run());
  }

  /** left += right. */
  void merge(InputMemory left, InputMemory right) {
    everywhere("merge")
        .with(left.extremes())
        .with(right.extremes())
        .with(left.sums())
        .with(right.sums())
        .with(left.counts())
        .with(right.counts())
        .with(left.k())
        .run();
    left.products()
        .ifPresent(
            h ->
                everywhere("merge_products")
                    .with(h)
                    .with(right.products().orElseThrow())
                    .with(h.bytes() / FOUR / Float.BYTES)
                    .run());
  }

  /** The whole matrix [k, k] from the upper triangle. */
  void symmetric(Buffer to, Buffer products, int k) {
    int side = ceilDiv(k, SIDE);
    launch("symmetric", 1, THREADS)
        .grid(side, side)
        .with(to)
        .with(products)
        .with(k)
        .with(pitch(k))
        .run();
  }
}
