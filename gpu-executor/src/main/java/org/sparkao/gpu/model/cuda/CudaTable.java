package org.sparkao.gpu.model.cuda;

import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.Taken;
import org.sparkao.gpu.gemm.CudaWeightRows;
import org.sparkao.gpu.gemm.DenseOperands;
import org.sparkao.gpu.gemm.ElementType;
import org.sparkao.gpu.gemm.Gemm;
import org.sparkao.gpu.gemm.GemmWeights;
import org.sparkao.gpu.gemm.Scaling;
import org.sparkao.gpu.gemm.WeightMatrix;
import org.sparkao.gpu.model.LinearWeight;
import org.sparkao.gpu.model.ModelOperators.EmbeddingTable;
import org.sparkao.gpu.model.StoredTensor;
import org.sparkao.gpu.model.cuda.CudaModelOptions.TableFormat;
import org.sparkao.gpu.quantize.ActivationQuantizer;

/**
 * An embedding table on the device: as the output head's product reads it, so that a tied model has
 * it once; or as int4 codes, which only an embedding reads.
 */
final class CudaTable implements EmbeddingTable {
  private static final int MULTIPLE = 16;
  private static final int GROUP = 128;

  private final StoredTensor source;
  private final int columns;
  private final Optional<GemmWeights> weights;
  private final Optional<RowKernels.Int4Table> int4;

  private CudaTable(
      StoredTensor source,
      int columns,
      Optional<GemmWeights> weights,
      Optional<RowKernels.Int4Table> int4) {
    this.source = source;
    this.columns = columns;
    this.weights = weights;
    this.int4 = int4;
  }

  /** Puts a table [vocabulary, hidden] on the device. */
  static CudaTable load(CudaParts parts, StoredTensor source, TableFormat format) {
    int rows = Math.toIntExact(source.shape().get(0));
    int columns = Math.toIntExact(source.shape().get(1));
    if (columns % MULTIPLE != 0) {
      throw new IllegalArgumentException(CudaModelErrors.hiddenColumns(source.name(), columns));
    }
    if (format != TableFormat.INT4) {
      GemmWeights weights = product(parts, linear(source), format);
      return new CudaTable(source, columns, Optional.of(weights), Optional.empty());
    }
    checkGroups(source.name(), columns);
    try (StackLoader loader = new StackLoader(parts, plain(linear(source)))) {
      Buffer bf16 = loader.matrix(List.of(linear(source)), rows).codes();
      RowKernels.Int4Table table = int4(parts, bf16, rows, columns);
      return new CudaTable(source, columns, Optional.empty(), Optional.of(table));
    }
  }

  /** A plain weight as a product in the format of tables, BF16 or INT8, with fp32 results. */
  static GemmWeights product(CudaParts parts, LinearWeight weight, TableFormat format) {
    Stack stack = plain(weight);
    int rows = stack.paddedRows();
    int columns = stack.paddedK();
    try (StackLoader loader = new StackLoader(parts, stack)) {
      WeightMatrix matrix = loader.matrix(stack.members(), rows);
      if (format == TableFormat.AS_STORED) {
        Gemm gemm = Gemm.of(weight.name(), rows, columns, DenseOperands.bf16(), ElementType.FP32);
        return parts.products().decode().prepare(gemm, matrix);
      }
      try (Buffer codes = parts.device().allocate((long) rows * columns);
          Buffer scales = parts.device().allocate((long) Float.BYTES * rows)) {
        parts
            .quantizer()
            .quantizeRows(
                rows,
                columns,
                ActivationQuantizer.Codes.INT8,
                matrix.codes(),
                new ActivationQuantizer.QuantizedRows(codes, scales));
        Gemm gemm =
            Gemm.of(
                weight.name(),
                rows,
                columns,
                DenseOperands.int8(Scaling.ROW, Scaling.ROW),
                ElementType.FP32);
        return parts.products().decode().prepare(gemm, WeightMatrix.of(codes, scales));
      }
    }
  }

  /** int4 codes and scales of bf16 rows on the device. */
  static RowKernels.Int4Table int4(CudaParts parts, Buffer bf16, int rows, int columns) {
    long elements = (long) rows * columns;
    try (Taken taken = new Taken()) {
      Buffer codes = taken.add(parts.device().allocate(elements / 2), Buffer::close);
      long scaleBytes = Short.BYTES * elements / GROUP;
      Buffer scales = taken.add(parts.device().allocate(scaleBytes), Buffer::close);
      parts.kernels().int4Groups(bf16, codes, scales, elements);
      parts.device().synchronize();
      return taken.keptBy(new RowKernels.Int4Table(codes, scales, rows, columns));
    }
  }

  static void checkGroups(String name, int columns) {
    if (columns % GROUP != 0) {
      throw new IllegalArgumentException(CudaModelErrors.tableColumns(name, columns));
    }
  }

  static Stack plain(LinearWeight weight) {
    return new Stack(LinearForm.plain(), List.of(weight), 1);
  }

  private static LinearWeight linear(StoredTensor table) {
    return new LinearWeight(
        table.name(),
        Math.toIntExact(table.shape().get(0)),
        Math.toIntExact(table.shape().get(1)),
        new LinearWeight.Plain(table),
        Optional.empty());
  }

  /** The table as the weight of a head. */
  LinearWeight asHead() {
    return linear(source);
  }

  /** What a head shares, where it may. */
  Optional<GemmWeights> weights() {
    return weights;
  }

  /** y[i] = row ids[i]. */
  void gather(CudaParts parts, Buffer ids, int rows, Buffer y) {
    if (weights.isPresent()) {
      new CudaWeightRows(parts.library()).gather(weights.get(), ids, y, rows);
    } else {
      parts.kernels().ofInt4(int4.orElseThrow(), ids, y, rows);
    }
  }

  /** Elements of a row. */
  int columns() {
    return columns;
  }

  @Override
  public long bytes() {
    return weights.map(GemmWeights::bytes).orElse(0L)
        + int4.map(table -> table.codes().bytes() + table.scales().bytes()).orElse(0L);
  }

  @Override
  public void close() {
    weights.ifPresent(GemmWeights::close);
    int4.ifPresent(table -> table.codes().close());
    int4.ifPresent(table -> table.scales().close());
  }
}
