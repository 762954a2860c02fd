package org.sparkao.jobs.verify;

import java.io.IOException;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparkao.quant.config.Finding;
import org.sparkao.quant.safetensors.Sha256;

/** Every tensor has the bytes that its run recorded. The one rule that reads all of them. */
final class HashRule implements Rule {
  private static final int PIECE_BYTES = 1 << 22;

  private final String runId;
  private final List<RecordedPart> recorded;

  /** Against what {@code runId} recorded. */
  HashRule(String runId, List<RecordedPart> recorded) {
    this.runId = runId;
    this.recorded = List.copyOf(recorded);
  }

  @Override
  public List<Finding> check(CheckpointView checkpoint) throws IOException {
    Map<String, StoredTensor> stored = new HashMap<>();
    checkpoint.contents().tensors().forEach(tensor -> stored.put(tensor.name(), tensor));
    List<Finding> findings = new ArrayList<>();
    for (RecordedPart part : recorded) {
      compare(checkpoint.contents(), part, Optional.ofNullable(stored.remove(part.name())))
          .ifPresent(findings::add);
    }
    stored.keySet().stream()
        .sorted()
        .map(
            name ->
                Finding.error(
                    name,
                    "was not written by run " + runId,
                    "find out who added it, or quantize again into another folder"))
        .forEach(findings::add);
    return findings;
  }

  private Optional<Finding> compare(
      CheckpointContents contents, RecordedPart part, Optional<StoredTensor> stored)
      throws IOException {
    if (stored.isEmpty()) {
      return Optional.of(
          Finding.error(
              part.name(),
              "was written by run " + runId + " and is gone",
              "quantize again into another folder"));
    }
    StoredTensor tensor = stored.get();
    if (tensor.bytes() == part.bytes() && sha256(contents, tensor).equals(part.sha256())) {
      return Optional.empty();
    }
    return Optional.of(
        Finding.error(
            part.name(),
            "in " + tensor.file() + " has other bytes than run " + runId + " wrote",
            "copy the file again from where it was written, or quantize again"));
  }

  private static String sha256(CheckpointContents contents, StoredTensor tensor)
      throws IOException {
    MessageDigest digest = Sha256.newDigest();
    for (long begin = 0; begin < tensor.bytes(); begin += PIECE_BYTES) {
      digest.update(
          contents.read(tensor, begin, (int) Math.min(PIECE_BYTES, tensor.bytes() - begin)));
    }
    return Sha256.hex(digest);
  }
}
