package org.sparkao.jobs.verify;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.sparkao.jobs.verify.CheckpointView.Assigned;
import org.sparkao.quant.config.Finding;
import org.sparkao.quant.scheme.CheckpointLayout;

/**
 * The headers of a torchao checkpoint describe every tensor: by them, not by config.json, loaders
 * put weights together.
 *
 * <p>Source: torchao 0.18, {@code unflatten_tensor_state_dict}.
 */
final class TorchaoHeaderRule implements Rule {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String NAMES = "tensor_names";

  @Override
  public List<Finding> check(CheckpointView checkpoint) {
    List<Finding> findings = new ArrayList<>();
    List<Assigned> weights =
        checkpoint.assigned().stream()
            .filter(assigned -> assigned.group().layout() == CheckpointLayout.TORCHAO)
            .toList();
    if (weights.isEmpty()) {
      return findings;
    }
    Map<String, String> metadata = checkpoint.contents().metadata();
    Set<String> listed = new TreeSet<>();
    parse(metadata.getOrDefault(NAMES, "[]")).forEach(name -> listed.add(name.asText()));
    for (Assigned assigned : weights) {
      String name = assigned.module().name() + ".weight";
      if (!listed.contains(name)) {
        findings.add(
            Finding.error(
                name,
                "is not in the list " + NAMES + " of the headers",
                "write the names of all tensors into the header of every file"));
      }
      describe(assigned, parse(metadata.getOrDefault(name, "{}")))
          .ifPresent(
              what ->
                  findings.add(
                      Finding.error(
                          name,
                          what,
                          "write the description that save_pretrained writes, or quantize again")));
    }
    return findings;
  }

  /** What is wrong with a description. */
  private static Optional<String> describe(Assigned assigned, JsonNode description) {
    Set<String> stored = new TreeSet<>();
    assigned.module().tensors().keySet().stream()
        .filter(suffix -> suffix.startsWith("_weight_"))
        .forEach(suffix -> stored.add(suffix.substring("_weight_".length())));
    Set<String> described = new TreeSet<>();
    description.path("_tensor_data_names").forEach(name -> described.add(name.asText()));
    if (!description.path("_type").asText("").endsWith("Tensor") || described.isEmpty()) {
      return Optional.of("is not described in the header of its file");
    }
    if (!described.equals(stored)) {
      return Optional.of("is described as of " + described + " but has " + stored);
    }
    return Optional.empty();
  }

  private static JsonNode parse(String text) {
    try {
      return JSON.readTree(text);
    } catch (JsonProcessingException e) {
      return JSON.createObjectNode();
    }
  }
}
