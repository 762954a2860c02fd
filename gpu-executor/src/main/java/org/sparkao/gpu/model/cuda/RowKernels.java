package org.sparkao.gpu.model.cuda;

import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;

/** The launcher of {@code src/main/cuda/rows}; every launch is dependent. */
final class RowKernels {
  private static final String OP = "rows";
  private static final int THREADS = 256;
  private static final int TABLE_THREADS = 128;
  private static final int OCTET = 8;
  private static final int LARGEST_GRID_Y = 65535;
  private static final int GROUP = 128;

  private final KernelLibrary library;

  RowKernels(KernelLibrary library) {
    this.library = library;
  }

  /**
   * A copy of rows between different widths.
   *
   * @param elementBytes 2 or 4
   * @param columns that are copied
   * @param width columns that are written: those behind the copied ones are 0
   */
  record Placement(
      int elementBytes, int rows, int columns, int fromStride, int toStride, int width) {}

  /** Copies; buffers begin at the first element. */
  void place(Buffer x, Buffer y, Placement p) {
    int units = p.elementBytes / Short.BYTES;
    launch("rows_place", p.toString(), ceilDiv(p.width * units, THREADS), p.rows)
        .with(x)
        .with(y)
        .with(p.rows)
        .with(p.columns * units)
        .with(p.fromStride * units)
        .with(p.toStride * units)
        .with(p.width * units)
        .run();
  }

  /** e4m3 codes under a scale. */
  void staticCodes(Buffer x, Buffer codes, float scale, long elements) {
    launch("rows_static_e4m3", elements + " numbers", blocks(elements), 1)
        .with(x)
        .with(codes)
        .with(scale)
        .with(elements / OCTET)
        .run();
  }

  /** int8 codes as bf16. */
  void asBf16(Buffer codes, Buffer y, long elements) {
    launch("rows_int8_to_bf16", elements + " codes", blocks(elements), 1)
        .with(codes)
        .with(y)
        .with(elements / OCTET)
        .run();
  }

  /**
   * Sums as bf16.
   *
   * @param x [rows, columns] fp32
   * @param scales [rows]
   * @param bias [columns] fp32
   * @param residual like y, may be y
   */
  record Sums(Buffer x, Buffer scales, Optional<Buffer> bias, Optional<Buffer> residual) {}

  /** y = x * scale + bias + residual in bf16. */
  void scaleToBf16(Sums sums, Buffer y, int rows, int columns) {
    Launch launch = scale("rows_scale_bf16", sums, rows, columns);
    optional(launch, sums.residual).with(y).with(rows).with(columns).run();
  }

  /** The same in fp32 without residual; y may be x. */
  void scaleToFp32(Sums sums, Buffer y, int rows, int columns) {
    scale("rows_scale_fp32", sums, rows, columns).with(y).with(rows).with(columns).run();
  }

  private Launch scale(String kernel, Sums sums, int rows, int columns) {
    Launch launch =
        launch(kernel, rows + "x" + columns, ceilDiv(columns / OCTET, THREADS), rows)
            .with(sums.x)
            .with(sums.scales);
    return optional(launch, sums.bias);
  }

  /** int4 codes and scales of bf16 weights [n, k] in groups of 128. */
  void int4Groups(Buffer weights, Buffer codes, Buffer scales, long elements) {
    long groups = elements / GROUP;
    int blocks = Math.toIntExact((groups + OCTET - 1) / OCTET);
    launch("rows_int4_groups", groups + " groups", blocks, 1)
        .with(weights)
        .with(codes)
        .with(scales)
        .with(groups)
        .run();
  }

  /** Rows of such a table. */
  void ofInt4(Int4Table table, Buffer ids, Buffer y, int rows) {
    library
        .kernel(OP, "rows_of_int4")
        .launch(rows + " rows of int4")
        .grid(rows)
        .block(TABLE_THREADS)
        .dependent()
        .with(table.codes)
        .with(table.scales)
        .with(ids)
        .with(y)
        .with(table.vocabulary)
        .with(table.columns)
        .run();
  }

  /** Codes [vocabulary, columns / 8] and bf16 scales [vocabulary, columns / 128]. */
  record Int4Table(Buffer codes, Buffer scales, int vocabulary, int columns) {}

  private Launch launch(String kernel, String what, int blocks, int rows) {
    return library
        .kernel(OP, kernel)
        .launch(what)
        .grid(blocks, Math.min(rows, LARGEST_GRID_Y))
        .block(THREADS)
        .dependent();
  }

  private static Launch optional(Launch launch, Optional<Buffer> buffer) {
    return buffer.isPresent() ? launch.with(buffer.get()) : launch.withNull();
  }

  private static int blocks(long elements) {
    return Math.toIntExact((elements / OCTET + THREADS - 1) / THREADS);
  }

  private static int ceilDiv(int a, int b) {
    return (a + b - 1) / b;
  }
}
