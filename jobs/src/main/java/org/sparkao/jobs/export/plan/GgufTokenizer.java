package org.sparkao.jobs.export.plan;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparkao.datasets.tokenizer.SentencePieceVocabulary;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.gguf.GgufValue;

/**
 * The tokenizer as metadata: of {@code tokenizer.model} (SentencePiece) where it is there, else of
 * {@code tokenizer.json} (byte-level BPE).
 *
 * <p>Source: llama.cpp's {@code convert_hf_to_gguf.py} and {@code gguf-py/gguf/vocab.py}.
 */
final class GgufTokenizer {
  private static final int NORMAL = 1;
  private static final double PADDED = -1000;

  /** Keys of config files and of the metadata. */
  private static final Map<String, String> SPECIAL = new LinkedHashMap<>();

  static {
    SPECIAL.put("bos", "bos_token_id");
    SPECIAL.put("eos", "eos_token_id");
    SPECIAL.put("unk", "unknown_token_id");
    SPECIAL.put("sep", "seperator_token_id");
    SPECIAL.put("pad", "padding_token_id");
  }

  private final Folder files;
  private final Vocabulary vocabulary;

  private GgufTokenizer(Folder files, int size) {
    this.files = files;
    this.vocabulary = new Vocabulary(files.location(), size);
  }

  /**
   * Reads the files.
   *
   * @param size tokens of the model
   * @throws QuantException when neither is there, or one is of a kind that is not exported
   */
  static Map<String, GgufValue> read(Folder files, int size) throws IOException {
    GgufTokenizer tokenizer = new GgufTokenizer(files, size);
    return files.size("tokenizer.model").isPresent()
        ? tokenizer.sentencePiece()
        : tokenizer.bytePairs();
  }

  private Map<String, GgufValue> sentencePiece() throws IOException {
    JsonNode settings = json("tokenizer_config.json");
    try {
      SentencePieceVocabulary.of(files.read("tokenizer.model"))
          .pieces()
          .forEach(piece -> vocabulary.add(piece.text(), piece.type(), piece.score()));
    } catch (IllegalArgumentException e) {
      throw new QuantException(
          files.location() + "/tokenizer.model: is no SentencePiece model: " + e.getMessage(), e);
    }
    json("added_tokens.json")
        .properties()
        .forEach(added -> vocabulary.replace(added.getValue().asInt(), added.getKey(), false));
    settings
        .path("added_tokens_decoder")
        .properties()
        .forEach(
            added ->
                vocabulary.replaceOther(
                    Integer.parseInt(added.getKey()),
                    added.getValue().path("content").asText(),
                    added.getValue().path("special").asBoolean()));
    Map<String, GgufValue> all = new LinkedHashMap<>();
    if (settings.path("add_prefix_space").isBoolean()) {
      all.put("tokenizer.ggml.add_space_prefix", bool(settings.path("add_prefix_space")));
    }
    all.put("tokenizer.ggml.model", GgufValue.text("llama"));
    all.put("tokenizer.ggml.pre", GgufValue.text("default"));
    vocabulary.pad(PADDED);
    all.put("tokenizer.ggml.tokens", GgufValue.texts(vocabulary.texts()));
    all.put("tokenizer.ggml.scores", GgufValue.float32s(vocabulary.scores()));
    all.put("tokenizer.ggml.token_type", GgufValue.int32s(vocabulary.types()));
    special(settings, all);
    return all;
  }

  private Map<String, GgufValue> bytePairs() throws IOException {
    JsonNode tokenizer = json("tokenizer.json");
    JsonNode model = tokenizer.path("model");
    if (!model.path("type").asText().equals("BPE")) {
      throw new QuantException(
          files.location()
              + ": neither tokenizer.model nor a tokenizer.json of type BPE is there; copy it from"
              + " where the model was published");
    }
    JsonNode settings = json("tokenizer_config.json");
    model
        .path("vocab")
        .properties()
        .forEach(token -> vocabulary.put(token.getValue().asInt(), token.getKey(), NORMAL));
    for (JsonNode added : tokenizer.path("added_tokens")) {
      vocabulary.replace(
          added.path("id").asInt(),
          added.path("content").asText(),
          added.path("special").asBoolean());
    }
    Map<String, GgufValue> all = new LinkedHashMap<>();
    if (settings.path("add_prefix_space").isBoolean()) {
      all.put("tokenizer.ggml.add_space_prefix", bool(settings.path("add_prefix_space")));
    }
    String pre = PreTokenizers.of(tokenizer, files.location() + "/tokenizer.json");
    all.put("tokenizer.ggml.model", GgufValue.text("gpt2"));
    all.put("tokenizer.ggml.pre", GgufValue.text(pre));
    vocabulary.pad(0);
    all.put("tokenizer.ggml.tokens", GgufValue.texts(vocabulary.texts()));
    all.put("tokenizer.ggml.token_type", GgufValue.int32s(vocabulary.types()));
    List<String> merges = new ArrayList<>();
    for (JsonNode merge : model.path("merges")) {
      merges.add(
          merge.isTextual()
              ? merge.asText()
              : merge.path(0).asText() + " " + merge.path(1).asText());
    }
    all.put("tokenizer.ggml.merges", GgufValue.texts(merges));
    special(settings, all);
    if (pre.equals(PreTokenizers.SMOLLM)) {
      all.put("tokenizer.ggml.add_bos_token", GgufValue.bool(Boolean.FALSE));
    }
    return all;
  }

  /** Ids by the text in the tokenizer's settings, else by number in the model's. */
  private void special(JsonNode settings, Map<String, GgufValue> all) throws IOException {
    JsonNode config = json("config.json");
    SPECIAL.forEach(
        (kind, key) -> {
          JsonNode given = settings.path(kind + "_token");
          Optional<Integer> named =
              vocabulary.id(given.isObject() ? given.path("content").asText() : given.asText());
          JsonNode number = config.path(kind + "_token_id");
          JsonNode first = number.isArray() ? number.path(0) : number;
          if (named.isPresent() || first.isInt()) {
            all.put(
                "tokenizer.ggml." + key, GgufValue.uint32(named.orElseGet(() -> first.asInt())));
          }
        });
    for (String kind : Arrays.asList("bos", "eos")) {
      JsonNode add = settings.path("add_" + kind + "_token");
      if (add.isBoolean()) {
        all.put("tokenizer.ggml.add_" + kind + "_token", bool(add));
      }
    }
    Optional<String> template = template(settings);
    if (template.isPresent()) {
      all.put("tokenizer.chat_template", GgufValue.text(template.get()));
    }
  }

  private Optional<String> template(JsonNode settings) throws IOException {
    if (files.size("chat_template.jinja").isPresent()) {
      return Optional.of(new String(files.read("chat_template.jinja"), StandardCharsets.UTF_8));
    }
    JsonNode template = settings.path("chat_template");
    for (JsonNode named : template) {
      if (named.path("name").asText().equals("default")) {
        return Optional.of(named.path("template").asText());
      }
    }
    return Optional.of(template).filter(JsonNode::isTextual).map(JsonNode::asText);
  }

  private static GgufValue bool(JsonNode node) {
    return GgufValue.bool(node.asBoolean());
  }

  /** A file; missing when it is not there. */
  private JsonNode json(String name) throws IOException {
    if (files.size(name).isEmpty()) {
      return MissingNode.getInstance();
    }
    try {
      return new ObjectMapper().readTree(files.read(name));
    } catch (JsonProcessingException e) {
      throw new QuantException(
          files.location() + "/" + name + ": is not JSON; copy it again: " + e.getOriginalMessage(),
          e);
    }
  }
}
