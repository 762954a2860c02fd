package org.sparkao.quant.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Optional;

/** What a checkpoint's folder holds beside its shards. */
record FolderContent(
    Optional<JsonNode> config, List<FileEntry> sideFiles, List<SkippedFile> skipped) {

  FolderContent {
    sideFiles = List.copyOf(sideFiles);
    skipped = List.copyOf(skipped);
  }
}
