package org.sparkao.gpu.model.cuda;

import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.Taken;
import org.sparkao.gpu.gemm.DenseOperands;
import org.sparkao.gpu.gemm.ElementType;
import org.sparkao.gpu.gemm.Gemm;
import org.sparkao.gpu.gemm.GemmWeights;
import org.sparkao.gpu.gemm.Int4Operands;
import org.sparkao.gpu.gemm.Scaling;
import org.sparkao.gpu.gemm.WeightMatrix;
import org.sparkao.gpu.layer.RmsNorm;
import org.sparkao.gpu.model.LinearWeight;
import org.sparkao.gpu.model.ProjectionSpec;
import org.sparkao.gpu.model.cuda.CudaModelOptions.TableFormat;

/** Output heads in the formats of tables. */
final class CudaHeads {
  private static final int GROUP = 128;

  private final CudaParts parts;
  private final CudaModelOptions options;

  CudaHeads(CudaParts parts, CudaModelOptions options) {
    this.parts = parts;
    this.options = options;
  }

  /** Whether a head is not computed as it is stored. */
  boolean changes(ProjectionSpec spec, List<LinearWeight> weights) {
    return spec.after() == ProjectionSpec.After.LOGITS
        && options.head() != TableFormat.AS_STORED
        && weights.size() == 1
        && weights.get(0).form() instanceof LinearWeight.Plain
        && weights.get(0).bias().isEmpty();
  }

  /** A head of its own, in the format of the options. */
  CudaProjection load(ProjectionSpec spec, LinearWeight weight) {
    try (Taken taken = new Taken()) {
      Optional<RmsNorm.NormWeight> norm = norm(spec, weight, taken);
      Stack stack = stack(weight, options.head());
      GemmWeights weights =
          options.head() == TableFormat.INT4
              ? int4(weight)
              : CudaTable.product(parts, weight, options.head());
      taken.add(weights, GemmWeights::close);
      StackedLinear linear = StackedLinear.owning(parts, stack, weights, norm);
      return taken.keptBy(CudaProjection.head(parts, spec, norm, stack, linear));
    }
  }

  /** The head of a tied model: the table's own weights where the formats are the same. */
  CudaProjection tied(ProjectionSpec spec, CudaTable table) {
    if (table.weights().isEmpty() || options.head() != options.embedding()) {
      if (options.head() == TableFormat.AS_STORED) {
        return CudaProjection.load(parts, spec, List.of(table.asHead()));
      }
      return load(spec, table.asHead());
    }
    LinearWeight weight = table.asHead();
    try (Taken taken = new Taken()) {
      Optional<RmsNorm.NormWeight> norm = norm(spec, weight, taken);
      Stack stack = stack(weight, options.head());
      GemmWeights shared = table.weights().orElseThrow();
      StackedLinear linear = StackedLinear.sharing(parts, stack, shared, norm);
      return taken.keptBy(CudaProjection.head(parts, spec, norm, stack, linear));
    }
  }

  private Optional<RmsNorm.NormWeight> norm(ProjectionSpec spec, LinearWeight weight, Taken taken) {
    Optional<RmsNorm.NormWeight> norm = parts.upload(spec.name(), spec.norm(), weight.k());
    norm.ifPresent(given -> taken.add(given.values(), Buffer::close));
    return norm;
  }

  private static Stack stack(LinearWeight weight, TableFormat format) {
    LinearForm form =
        switch (format) {
          case AS_STORED -> LinearForm.plain();
          case INT8 ->
              LinearForm.codes(
                  DenseOperands.int8(Scaling.ROW, Scaling.ROW),
                  Inputs.INT8_ROWS,
                  "head int8, a scale a row, x int8");
          case INT4 ->
              new LinearForm(
                  LinearForm.Source.INT4,
                  operands(),
                  Inputs.BF16,
                  Optional.empty(),
                  Optional.empty(),
                  GROUP,
                  "head bf16 x int4, groups of 128");
        };
    return new Stack(form, List.of(weight), 1);
  }

  private GemmWeights int4(LinearWeight weight) {
    CudaTable.checkGroups(weight.name(), weight.k());
    Stack plain = CudaTable.plain(weight);
    int rows = plain.paddedRows();
    Gemm gemm = Gemm.of(weight.name(), rows, weight.k(), operands(), ElementType.FP32);
    try (StackLoader loader = new StackLoader(parts, plain)) {
      WeightMatrix bf16 = loader.matrix(plain.members(), rows);
      RowKernels.Int4Table table = CudaTable.int4(parts, bf16.codes(), rows, weight.k());
      try {
        return parts
            .products()
            .decode()
            .prepare(gemm, WeightMatrix.of(table.codes(), table.scales()));
      } finally {
        table.codes().close();
        table.scales().close();
      }
    }
  }

  private static Int4Operands operands() {
    return new Int4Operands(ElementType.BF16, GROUP, Int4Operands.ZeroPoints.NONE);
  }
}
