package org.sparkao.jobs.storage;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.Optional;
import org.sparkao.quant.QuantException;

/** What a finished output says about the run that wrote it. */
public final class Provenance {
  /** Its file, beside the checkpoint's. */
  public static final String FILE = "sparkao.json";

  /** Its file in a folder of data, where readers of Parquet pass over names with an underscore. */
  public static final String DATA_FILE = WorkFolder.NAME + ".json";

  private static final ObjectMapper JSON = new ObjectMapper();

  private Provenance() {}

  /** Name of the run that wrote the folder; empty when it was not this program. */
  public static Optional<String> runId(Folder folder) throws IOException {
    String file = folder.size(FILE).isPresent() ? FILE : DATA_FILE;
    if (folder.size(file).isEmpty()) {
      return Optional.empty();
    }
    try {
      JsonNode id = JSON.readTree(folder.read(file)).path("run_id");
      return id.isTextual() ? Optional.of(id.asText()) : Optional.empty();
    } catch (JsonProcessingException e) {
      throw new QuantException(
          folder.location() + "/" + file + ": not JSON: " + e.getOriginalMessage(), e);
    }
  }
}
