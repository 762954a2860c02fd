package org.sparkao.jobs.verify;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What the rules may look at: one checkpoint, opened and structurally sound. */
interface CheckpointContents {

  /** The checkpoint as the user named it. */
  String location();

  /** {@code config.json}; a missing node when there is none. */
  JsonNode config();

  /** Of {@code model.safetensors.index.json}; empty for a single file without one. */
  Optional<IndexMetadata> index();

  /** The {@code __metadata__} of all shards; of a key that several have, one. */
  Map<String, String> metadata();

  /** Every tensor of every shard, by name. */
  List<StoredTensor> tensors();

  /**
   * Reads bytes [begin, begin + length) of a tensor.
   *
   * @throws IOException when the file cannot be read
   */
  byte[] read(StoredTensor tensor, long begin, int length) throws IOException;
}
