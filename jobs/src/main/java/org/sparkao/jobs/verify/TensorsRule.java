package org.sparkao.jobs.verify;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.sparkao.jobs.verify.CheckpointView.Assigned;
import org.sparkao.quant.config.Finding;
import org.sparkao.quant.scheme.Granularity.PerGroup;
import org.sparkao.quant.scheme.QuantArgs;
import org.sparkao.quant.scheme.StorageFormat;

/** Every quantized module has exactly the tensors of its scheme, rightly typed and shaped. */
final class TensorsRule implements Rule {
  private static final Set<String> NOT_OURS = Set.of("bias", "k_scale", "v_scale", "q_scale");

  @Override
  public List<Finding> check(CheckpointView checkpoint) throws IOException {
    List<Finding> findings = new ArrayList<>();
    for (Assigned assigned : checkpoint.assigned()) {
      Optional<List<Long>> shape = checkpoint.weightShape(assigned);
      if (shape.isEmpty()) {
        findings.add(noShape(assigned));
      } else {
        checkModule(assigned, shape.get(), findings);
      }
    }
    return findings;
  }

  private static Finding noShape(Assigned assigned) {
    return switch (assigned.group().format()) {
      case PACK_QUANTIZED ->
          Finding.error(
              assigned.module().name() + ".weight_shape",
              "is missing or is not I64 [2] holding N and K",
              "write it: packed columns alone do not tell K");
      case NVFP4_PACK_QUANTIZED, MXFP4_PACK_QUANTIZED ->
          Finding.error(
              assigned.module().name() + ".weight_packed",
              "is missing or has not two axes",
              "write the codes that format "
                  + assigned.group().format().configName()
                  + " needs, or correct the group's format");
      case INT_QUANTIZED, FLOAT_QUANTIZED, NAIVE_QUANTIZED, MXFP8_QUANTIZED ->
          Finding.error(
              assigned.module().name() + ".weight",
              "is missing or has not two axes",
              "write the codes that format "
                  + assigned.group().format().configName()
                  + " needs, or correct the group's format");
    };
  }

  private static void checkModule(Assigned assigned, List<Long> shape, List<Finding> findings) {
    ModuleTensors module = assigned.module();
    QuantArgs weights = assigned.group().weights();
    long columns = shape.get(1);
    if (weights.granularity() instanceof PerGroup group && columns % group.size() != 0) {
      findings.add(
          Finding.error(
              module.name(),
              "row length " + columns + " is not a multiple of group size " + group.size(),
              "quantize it with a group size that divides, or leave it out"));
    }
    List<ExpectedTensor> expected =
        new ExpectedTensors(assigned.group(), shape.get(0), columns).list();
    for (ExpectedTensor one : expected) {
      String name = module.name() + "." + one.suffix();
      module
          .tensor(one.suffix())
          .ifPresentOrElse(
              found -> compare(one, found, assigned, columns).ifPresent(findings::add),
              () -> findings.add(missing(name, one)));
    }
    Set<String> suffixes = Set.copyOf(expected.stream().map(ExpectedTensor::suffix).toList());
    for (StoredTensor tensor : module.tensors().values()) {
      if (!suffixes.contains(tensor.suffix()) && !NOT_OURS.contains(tensor.suffix())) {
        findings.add(unexpected(tensor, weights));
      }
    }
  }

  private static Finding missing(String name, ExpectedTensor expected) {
    return Finding.error(
        name, "is missing", "write it as " + expected.dtypes() + " " + expected.shapes().get(0));
  }

  private static Optional<Finding> compare(
      ExpectedTensor expected, StoredTensor found, Assigned assigned, long columns) {
    if (!expected.dtypes().contains(found.dtype())) {
      return Optional.of(
          Finding.error(
              found.name(),
              "is " + found.dtype() + ", not " + expected.dtypes(),
              "store it as its format says, or correct the group in config.json"));
    }
    if (expected.shapes().contains(found.shape())) {
      return Optional.empty();
    }
    if (sparseWords(expected, found, assigned, columns)) {
      return Optional.of(
          Finding.error(
              found.name(),
              "leaves the top bits of every word unused, as compressed-tensors before 0.17 did",
              "quantize again: since 0.17 codes of 3, 5, 6 and 7 bits cross word boundaries"));
    }
    return Optional.of(
        Finding.error(
            found.name(),
            "has shape " + found.shape() + ", not " + expected.shapes().get(0),
            "store it as its format says, or correct the group in config.json"));
  }

  private static boolean sparseWords(
      ExpectedTensor expected, StoredTensor found, Assigned assigned, long columns) {
    long codesPerWord = 32 / assigned.group().weights().bits();
    return assigned.group().format() == StorageFormat.PACK_QUANTIZED
        && expected.suffix().equals("weight_packed")
        && found.shape().size() == 2
        && found.shape().get(1) == (columns + codesPerWord - 1) / codesPerWord;
  }

  private static Finding unexpected(StoredTensor tensor, QuantArgs weights) {
    if (tensor.suffix().equals("weight_zero_point") && weights.symmetric()) {
      return Finding.error(
          tensor.name(),
          "is a zero point of a symmetric scheme",
          "remove it: vLLM fails on the unexpected name");
    }
    return Finding.error(
        tensor.name(),
        "is not part of this module's scheme",
        "remove it, or correct the group in config.json");
  }
}
