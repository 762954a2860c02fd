package org.sparkao.datasets.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.sparkao.datasets.DatasetErrors;
import org.sparkao.datasets.DatasetException;

/** What the files beside the tokenizer in the folder of a checkpoint say about it. */
final class TokenizerSettings {
  private static final String TOKENIZER_CONFIG = "tokenizer_config.json";
  private static final String SPECIAL_TOKENS_MAP = "special_tokens_map.json";
  private static final String GENERATION_CONFIG = "generation_config.json";
  private static final String CONFIG = "config.json";

  private final Path folder;
  private final Path tokenizer;
  private final JsonNode tokenizerConfig;
  private final JsonNode specialTokensMap;
  private final JsonNode generationConfig;
  private final JsonNode config;

  /** Reads the files that are there; {@code tokenizer} is the file of the tokenizer itself. */
  TokenizerSettings(Path folder, Path tokenizer) {
    this.folder = folder;
    this.tokenizer = tokenizer;
    tokenizerConfig = read(folder.resolve(TOKENIZER_CONFIG));
    specialTokensMap = read(folder.resolve(SPECIAL_TOKENS_MAP));
    generationConfig = read(folder.resolve(GENERATION_CONFIG));
    config = read(folder.resolve(CONFIG));
  }

  /** An object of JSON; a missing node if there is no file. */
  static JsonNode read(Path file) {
    JsonMapper mapper = new JsonMapper();
    if (!Files.exists(file)) {
      return mapper.missingNode();
    }
    try {
      JsonNode json = mapper.readTree(Files.readAllBytes(file));
      if (!json.isObject()) {
        throw new DatasetException(DatasetErrors.brokenJson(file, "no object"));
      }
      return json;
    } catch (IOException e) {
      throw new DatasetException(DatasetErrors.brokenJson(file, firstLine(e)), e);
    }
  }

  static String firstLine(Exception e) {
    String message = e.getMessage() == null ? e.toString() : e.getMessage();
    return message.lines().findFirst().orElse(e.toString());
  }

  /** A yes or no of {@code tokenizer_config.json}. */
  boolean flag(String key, boolean otherwise) {
    return tokenizerConfig.path(key).asBoolean(otherwise);
  }

  /**
   * The special tokens.
   *
   * @param ids the vocabulary, added tokens included
   * @param special ids that the tokenizer itself calls special
   * @param own ids by key ({@code bos_token} ...) that the tokenizer itself names
   */
  SpecialTokens specialTokens(
      Map<String, Integer> ids, Set<Integer> special, Map<String, Integer> own) {
    OptionalInt bos = token("bos_token", ids, own);
    OptionalInt eos = token("eos_token", ids, own);
    OptionalInt pad = token("pad_token", ids, own);
    OptionalInt unknown = token("unk_token", ids, own);
    Set<Integer> ends = new HashSet<>();
    JsonNode listed = generationConfig.path("eos_token_id");
    if (listed.isMissingNode() || listed.isNull()) {
      listed = config.path("eos_token_id");
    }
    (listed.isArray() ? listed : new JsonMapper().createArrayNode().add(listed))
        .forEach(id -> add(id, ends));
    eos.ifPresent(ends::add);
    Set<Integer> all = new HashSet<>(special);
    bos.ifPresent(all::add);
    eos.ifPresent(all::add);
    pad.ifPresent(all::add);
    unknown.ifPresent(all::add);
    return new SpecialTokens(bos, eos, pad, unknown, ends, all);
  }

  private static void add(JsonNode id, Set<Integer> ids) {
    if (id.isInt()) {
      ids.add(id.intValue());
    }
  }

  private OptionalInt token(String key, Map<String, Integer> ids, Map<String, Integer> own) {
    for (JsonNode file : new JsonNode[] {tokenizerConfig, specialTokensMap}) {
      if (file.has(key)) {
        return named(file, key, ids);
      }
    }
    if (own.containsKey(key)) {
      return OptionalInt.of(own.get(key));
    }
    if (tokenizerConfig.isMissingNode() && specialTokensMap.isMissingNode()) {
      for (JsonNode file : new JsonNode[] {generationConfig, config}) {
        JsonNode id = file.path(key + "_id");
        if (id.isInt() && id.intValue() >= 0) {
          return OptionalInt.of(id.intValue());
        }
      }
    }
    return OptionalInt.empty();
  }

  /** A token is spelled as a string, or as an object whose content it is. */
  private OptionalInt named(JsonNode file, String key, Map<String, Integer> ids) {
    JsonNode value = file.get(key).isObject() ? file.get(key).path("content") : file.get(key);
    if (!value.isTextual()) {
      return OptionalInt.empty();
    }
    Integer id = ids.get(value.textValue());
    if (id == null) {
      String name = file == tokenizerConfig ? TOKENIZER_CONFIG : SPECIAL_TOKENS_MAP;
      throw new DatasetException(
          DatasetErrors.unknownSpecialToken(
              folder.resolve(name), key, value.textValue(), tokenizer));
    }
    return OptionalInt.of(id);
  }

  /** Refuses a tokenizer with more ids than the model has rows, or with less than nine tenths. */
  void checkVocabulary(int tokens) {
    JsonNode size = config.path("vocab_size");
    if (size.isMissingNode()) {
      size = config.path("text_config").path("vocab_size");
    }
    if (!size.isIntegralNumber()) {
      return;
    }
    long rows = size.longValue();
    if (tokens > rows || tokens < rows - rows / 10) {
      throw new DatasetException(
          DatasetErrors.vocabularyMismatch(tokenizer, tokens, folder.resolve(CONFIG), rows));
    }
  }
}
