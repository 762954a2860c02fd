package org.sparkao.jobs.verify;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;

/**
 * What {@code metadata} of an index says. Read token by token: an index may have 256 MiB, and a
 * tree of it would take some hundred bytes a token.
 *
 * @param totalSize {@code total_size} as it is written; empty when there is none
 */
record IndexMetadata(Optional<String> totalSize) {
  /** Names are as many as tensors and not worth a table. */
  private static final JsonFactory JSON =
      JsonFactory.builder().disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES).build();

  /**
   * Reads an index to its end.
   *
   * @throws IOException when it is not a JSON object, or nested deeper than anything that is one
   */
  static IndexMetadata read(InputStream index) throws IOException {
    Optional<String> totalSize = Optional.empty();
    try (JsonParser parser = JSON.createParser(index)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new IOException("an index that is no JSON object");
      }
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        boolean metadata = parser.currentName().equals("metadata");
        if (parser.nextToken() == JsonToken.START_OBJECT && metadata) {
          totalSize = totalSize(parser);
        } else {
          parser.skipChildren();
        }
      }
    }
    return new IndexMetadata(totalSize);
  }

  private static Optional<String> totalSize(JsonParser parser) throws IOException {
    Optional<String> totalSize = Optional.empty();
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      boolean wanted = parser.currentName().equals("total_size");
      if (parser.nextToken().isScalarValue()) {
        totalSize = wanted ? Optional.of(parser.getText()) : totalSize;
      } else {
        parser.skipChildren();
        totalSize = wanted ? Optional.of("no number") : totalSize;
      }
    }
    return totalSize;
  }
}
