package org.sparkao.gpu.model.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.Taken;
import org.sparkao.gpu.gemm.CudaGroupedGemm;
import org.sparkao.gpu.gemm.ElementType;
import org.sparkao.gpu.gemm.Gemm;
import org.sparkao.gpu.gemm.GemmWeights;
import org.sparkao.gpu.gemm.GroupedCall;
import org.sparkao.gpu.gemm.GroupedGemm;
import org.sparkao.gpu.gemm.WeightMatrix;
import org.sparkao.gpu.model.LinearWeight;
import org.sparkao.gpu.model.Operation;

/**
 * One linear layer of all experts: e4m3 as stored where its scales are of rows or blocks, else
 * bf16, with inputs rounded to the numbers of their codes where all experts want the same.
 */
final class GroupedLinear implements AutoCloseable {
  private static final int BLOCK = 128;

  private final InputRows input;
  private final LinearForm form;
  private final GemmWeights weights;
  private final GroupedGemm decode;
  private final GroupedGemm prefill;

  private GroupedLinear(CudaParts parts, Stack stack, int each, GemmWeights weights) {
    this.input = new InputRows(parts, stack, Optional.empty(), each);
    this.form = stack.form();
    this.weights = weights;
    this.decode = CudaGroupedGemm.of(parts.library(), GroupedGemm.Operation.DECODE);
    this.prefill = CudaGroupedGemm.of(parts.library(), GroupedGemm.Operation.PREFILL);
  }

  /**
   * Puts matrices on the device.
   *
   * @param experts of each what is stacked along N
   * @param each sorted rows of a row
   */
  static GroupedLinear load(
      CudaParts parts, String name, List<List<LinearWeight>> experts, int each) {
    LinearForm form = form(experts.stream().flatMap(List::stream).toList());
    List<StackLoader> loaders = new ArrayList<>();
    List<WeightMatrix> matrices = new ArrayList<>();
    try (Taken taken = new Taken()) {
      Stack first = new Stack(form, experts.get(0), 1);
      for (List<LinearWeight> members : experts) {
        StackLoader loader = new StackLoader(parts, new Stack(form, members, 1));
        loaders.add(loader);
        matrices.add(loader.matrix(members, first.paddedRows()));
      }
      Gemm gemm =
          Gemm.of(name, first.paddedRows(), first.paddedK(), form.operands(), ElementType.BF16);
      GroupedGemm grouped = CudaGroupedGemm.of(parts.library(), GroupedGemm.Operation.PREFILL);
      GemmWeights weights = taken.add(grouped.prepare(gemm, matrices), GemmWeights::close);
      return taken.keptBy(new GroupedLinear(parts, first, each, weights));
    } finally {
      loaders.forEach(StackLoader::close);
    }
  }

  /** The stored form where all have it and there is a kernel, else bf16. */
  static LinearForm form(List<LinearWeight> all) {
    LinearForm form = LinearForms.of(all.get(0));
    boolean alike = all.stream().map(LinearForms::of).allMatch(form::equals);
    boolean whole = !form.blocks() || all.stream().allMatch(weight -> weight.n() % BLOCK == 0);
    boolean known =
        form.source() == LinearForm.Source.PLAIN
            || form.source() == LinearForm.Source.DEQUANTIZED
            || form.inputs() == Inputs.E4M3_ROWS && !form.int4()
            || form.inputs() == Inputs.E4M3_GROUPS;
    if (alike && whole && known) {
      return form;
    }
    String schemes =
        all.stream()
            .filter(weight -> weight.form() instanceof LinearWeight.Quantized)
            .map(weight -> StackLoader.quantized(weight).request().scheme().name())
            .distinct()
            .collect(Collectors.joining(", "));
    List<Optional<InputRule>> rules = all.stream().map(InputRule::of).distinct().toList();
    List<String> texts = all.stream().map(InputRule::text).distinct().toList();
    return rules.size() == 1 && texts.size() == 1
        ? LinearForm.dequantized(schemes, rules.get(0), texts.get(0))
        : LinearForm.dequantized(schemes, Optional.empty(), ", x as it is");
  }

  /**
   * Launches it.
   *
   * @param x [rows, K], sorted by expert
   */
  void multiply(Operation operation, int rows, Buffer offsets, Buffer x, Buffer y) {
    InputRows.Prepared prepared = input.prepare(rows, x);
    GroupedGemm grouped = operation == Operation.DECODE ? decode : prefill;
    grouped.multiply(weights, new GroupedCall(rows, offsets, prepared.x(), prepared.scales(), y));
  }

  long bytes() {
    return weights.bytes();
  }

  String numerics() {
    return form.numerics();
  }

  @Override
  public void close() {
    weights.close();
  }
}
