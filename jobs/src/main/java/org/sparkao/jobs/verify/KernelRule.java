package org.sparkao.jobs.verify;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.sparkao.quant.config.ConfigReader;
import org.sparkao.quant.config.Finding;
import org.sparkao.quant.config.Loader;
import org.sparkao.quant.config.QuantizedGroup;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Granularity.PerGroup;
import org.sparkao.quant.scheme.QuantArgs;
import org.sparkao.quant.scheme.QuantArgs.Kind;
import org.sparkao.quant.scheme.StorageFormat;

/**
 * vLLM has a kernel for the scheme. What it lacks loads in transformers all the same.
 *
 * <p>Source: vLLM {@code compressed_tensors_wNa16.py}, {@code compressed_tensors_w4a8_fp8.py}.
 */
final class KernelRule implements Rule {
  private static final Set<Integer> MARLIN_GROUPS = Set.of(32, 64, 128);
  private static final Set<Integer> USUAL_BITS = Set.of(4, 8);

  @Override
  public List<Finding> check(CheckpointView checkpoint) {
    List<Finding> findings = new ArrayList<>();
    checkpoint
        .config()
        .ifPresent(config -> config.groups().forEach(group -> checkGroup(group, findings)));
    return findings;
  }

  private static void checkGroup(QuantizedGroup group, List<Finding> findings) {
    String subject = ConfigReader.PATH + ".config_groups." + group.name();
    QuantArgs weights = group.weights();
    boolean packed = group.format() == StorageFormat.PACK_QUANTIZED;
    if (packed && !USUAL_BITS.contains(weights.bits())) {
      findings.add(
          warning(
              subject,
              "weights of " + weights.bits() + " bits",
              "vLLM reads 4 and 8 bits; other widths need a build of 2026 with Humming kernels"));
    }
    if (packed
        && weights.granularity() instanceof PerGroup grouped
        && !MARLIN_GROUPS.contains(grouped.size())) {
      findings.add(
          warning(
              subject,
              "group size " + grouped.size(),
              "vLLM's fast kernels take 32, 64, 128 or one group a row"));
    }
    if (group.format() == StorageFormat.INT_QUANTIZED
        && group.layout() != CheckpointLayout.TORCHAO
        && weights.bits() < Byte.SIZE) {
      findings.add(
          warning(
              subject,
              "codes of " + weights.bits() + " bits stored as a byte each",
              "vLLM wants weight_packed: quantize again with format=pack-quantized"));
    }
    if (packed && weights.bits() == 4 && group.activations().isPresent()) {
      checkFourByEight(subject, group, findings);
    }
  }

  private static void checkFourByEight(
      String subject, QuantizedGroup group, List<Finding> findings) {
    boolean floats = group.activations().get().kind() == Kind.FLOAT;
    boolean group128 =
        group.weights().granularity() instanceof PerGroup grouped && grouped.size() == 128;
    if (floats && !(group128 && group.weights().symmetric())) {
      findings.add(
          Finding.error(
              Loader.VLLM,
              subject,
              "4-bit weights under FP8 activations that are not symmetric groups of 128",
              "quantize with W4AFP8 as it is"));
    }
  }

  private static Finding warning(String subject, String what, String wayOut) {
    return Finding.warning(Loader.VLLM, subject, what, wayOut);
  }
}
