package org.sparkao.datasets.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.sparkao.datasets.DatasetErrors;
import org.sparkao.datasets.DatasetException;

/**
 * The vocabulary of a {@code tokenizer.json}, which the library does not tell.
 *
 * @param ids by token, added tokens included
 * @param special ids of added tokens that are marked special
 * @param size the greatest id and one
 */
record JsonVocabulary(Map<String, Integer> ids, Set<Integer> special, int size) {

  /** Reads it out of the parsed file. */
  static JsonVocabulary of(Path file, JsonNode json) {
    Map<String, Integer> ids = new HashMap<>();
    JsonNode vocabulary = json.path("model").path("vocab");
    if (vocabulary.isObject()) {
      vocabulary.properties().forEach(entry -> ids.put(entry.getKey(), entry.getValue().asInt()));
    } else {
      // Unigram: a list of pairs of token and score, in the order of ids.
      for (int id = 0; id < vocabulary.size(); id++) {
        ids.put(vocabulary.get(id).path(0).asText(), id);
      }
    }
    if (ids.isEmpty()) {
      throw new DatasetException(DatasetErrors.brokenTokenizer(file, "model.vocab has no tokens"));
    }
    Set<Integer> special = new HashSet<>();
    for (JsonNode token : json.path("added_tokens")) {
      int id = token.path("id").asInt();
      ids.put(token.path("content").asText(), id);
      if (token.path("special").asBoolean()) {
        special.add(id);
      }
    }
    int greatest = ids.values().stream().mapToInt(Integer::intValue).max().orElseThrow();
    return new JsonVocabulary(ids, special, greatest + 1);
  }
}
