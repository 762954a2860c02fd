package org.sparkao.jobs.verify;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** {@code model.safetensors.index.json} names every tensor, in the file that holds it. */
final class IndexRule implements Rule {
  private static final String INDEX = "model.safetensors.index.json";

  @Override
  public List<Finding> check(CheckpointView checkpoint) {
    CheckpointContents contents = checkpoint.contents();
    List<Finding> findings = new ArrayList<>();
    Optional<JsonNode> index = contents.index();
    if (index.isEmpty()) {
      if (contents.files().size() > 1) {
        findings.add(
            Finding.error(
                INDEX,
                "is missing beside " + contents.files().size() + " shards",
                "the run that wrote them did not end; run it again"));
      }
      return findings;
    }
    checkMap(contents, index.get().path("weight_map"), findings);
    checkSize(contents, index.get().path("metadata").path("total_size"), findings);
    return findings;
  }

  private static void checkMap(
      CheckpointContents contents, JsonNode weightMap, List<Finding> findings) {
    Map<String, String> files = new HashMap<>();
    contents.tensors().forEach(tensor -> files.put(tensor.name(), tensor.file()));
    for (StoredTensor tensor : contents.tensors()) {
      if (!weightMap.has(tensor.name())) {
        findings.add(
            Finding.error(
                tensor.name(),
                "in " + tensor.file() + " is not in " + INDEX,
                "add it to the index"));
      }
    }
    for (Map.Entry<String, JsonNode> entry : weightMap.properties()) {
      String file = files.get(entry.getKey());
      String named = entry.getValue().asText();
      if (!named.equals(file)) {
        findings.add(
            Finding.error(
                entry.getKey(),
                INDEX
                    + " says "
                    + named
                    + (file == null ? ", no file has it" : ", it is in " + file),
                "correct the index"));
      }
    }
  }

  private static void checkSize(
      CheckpointContents contents, JsonNode stated, List<Finding> findings) {
    long total = contents.tensors().stream().mapToLong(StoredTensor::bytes).sum();
    if (stated.isMissingNode()) {
      findings.add(Finding.warning(INDEX, "has no metadata.total_size", "write " + total));
    } else if (stated.asLong() != total) {
      findings.add(
          Finding.warning(
              INDEX,
              "metadata.total_size is " + stated + ", the tensors have " + total + " bytes",
              "write " + total + ": loaders plan memory with it"));
    }
  }
}
