package org.sparkao.jobs.verify;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sparkao.quant.config.Finding;

/**
 * {@code model.safetensors.index.json} states the right size. That it names every tensor in the
 * file that holds it is checked when a checkpoint is opened.
 */
final class IndexRule implements Rule {
  private static final String INDEX = "model.safetensors.index.json";

  @Override
  public List<Finding> check(CheckpointView checkpoint) {
    List<Finding> findings = new ArrayList<>();
    checkpoint
        .contents()
        .index()
        .ifPresent(index -> checkSize(checkpoint.contents(), index.totalSize(), findings));
    return findings;
  }

  private static void checkSize(
      CheckpointContents contents, Optional<String> stated, List<Finding> findings) {
    long total = contents.tensors().stream().mapToLong(StoredTensor::bytes).sum();
    if (stated.isEmpty()) {
      findings.add(Finding.warning(INDEX, "has no metadata.total_size", "write " + total));
    } else if (!stated.get().equals(Long.toString(total))) {
      findings.add(
          Finding.warning(
              INDEX,
              "metadata.total_size is " + stated.get() + ", the tensors have " + total + " bytes",
              "write " + total + ": loaders plan memory with it"));
    }
  }
}
