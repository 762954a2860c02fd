package org.sparkao.jobs.verify;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.sparkao.jobs.verify.CheckpointView.Assigned;
import org.sparkao.quant.config.Finding;
import org.sparkao.quant.config.Loader;
import org.sparkao.quant.scheme.Granularity.PerTensor;
import org.sparkao.quant.scheme.QuantArgs.ScaleKind;

/**
 * Modules that vLLM fuses (q, k, v; gate, up) have one scale where the fused module has one: per
 * tensor FP8 is rounded a second time otherwise, and NVFP4 is distorted without a word. They must
 * be of one scheme, too.
 */
final class SharedScalesRule implements Rule {

  @Override
  public List<Finding> check(CheckpointView checkpoint) throws IOException {
    List<Finding> findings = new ArrayList<>();
    for (List<Assigned> siblings : FusedModules.siblings(checkpoint.assigned())) {
      Set<String> groups =
          siblings.stream()
              .map(sibling -> sibling.group().name())
              .collect(Collectors.toCollection(TreeSet::new));
      if (groups.size() > 1) {
        findings.add(
            Finding.error(
                Loader.VLLM,
                names(siblings),
                "are fused but belong to different groups " + groups,
                "give them one scheme"));
        continue;
      }
      checkScales(checkpoint, siblings, findings);
    }
    return findings;
  }

  private static void checkScales(
      CheckpointView checkpoint, List<Assigned> siblings, List<Finding> findings)
      throws IOException {
    if (siblings.get(0).group().weights().scale() == ScaleKind.E4M3_WITH_GLOBAL) {
      different(checkpoint, siblings, "weight_global_scale")
          .ifPresent(
              values ->
                  findings.add(
                      Finding.error(
                          Loader.VLLM,
                          names(siblings) + ".weight_global_scale",
                          "are fused but differ: " + values,
                          "quantize them together: vLLM takes one of them for all")));
      different(checkpoint, siblings, "input_global_scale")
          .ifPresent(
              values ->
                  findings.add(
                      Finding.warning(
                          Loader.VLLM,
                          names(siblings) + ".input_global_scale",
                          "are fused but differ: " + values,
                          "give them the scale of the larger range: their input is the same")));
    } else if (siblings.get(0).group().weights().granularity() instanceof PerTensor) {
      different(checkpoint, siblings, "weight_scale")
          .ifPresent(
              values ->
                  findings.add(
                      Finding.warning(
                          Loader.VLLM,
                          names(siblings) + ".weight_scale",
                          "are fused but differ: " + values,
                          "quantize them with one scale: vLLM rounds the others a second time")));
    }
  }

  private static Optional<Map<String, Double>> different(
      CheckpointView checkpoint, List<Assigned> siblings, String suffix) throws IOException {
    Map<String, Double> values = new TreeMap<>();
    for (Assigned sibling : siblings) {
      Optional<StoredTensor> scale = sibling.module().tensor(suffix);
      if (scale.filter(ScaleReader::readable).isPresent()) {
        values.put(sibling.module().leaf(), ScaleReader.first(checkpoint.contents(), scale.get()));
      }
    }
    return Set.copyOf(values.values()).size() > 1 ? Optional.of(values) : Optional.empty();
  }

  private static String names(List<Assigned> siblings) {
    return siblings.get(0).module().parent()
        + siblings.stream()
            .map(sibling -> sibling.module().leaf())
            .sorted()
            .collect(Collectors.joining("|", ".(", ")"));
  }
}
