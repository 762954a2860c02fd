package org.sparkao.quant.llamacpp;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The tokenizer of a file as those that transformers reads: {@code tokenizer.json} for byte-level
 * BPE, {@code tokenizer.model} for SentencePiece, and {@code tokenizer_config.json}.
 *
 * <p>Source: what llama.cpp's {@code convert_hf_to_gguf.py} writes, the other way round.
 */
final class TokenizerTexts {
  private static final String PREFIX = "tokenizer.ggml.";
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Ids in the metadata by the key of the settings. */
  private static final Map<String, String> SPECIAL = new LinkedHashMap<>();

  static {
    SPECIAL.put("bos_token", "bos_token_id");
    SPECIAL.put("eos_token", "eos_token_id");
    SPECIAL.put("pad_token", "padding_token_id");
    SPECIAL.put("sep_token", "seperator_token_id");
    SPECIAL.put("unk_token", "unknown_token_id");
  }

  private final Metadata metadata;
  private final List<String> tokens;

  private TokenizerTexts(Metadata metadata) {
    this.metadata = metadata;
    this.tokens = metadata.list(PREFIX + "tokens", String.class);
  }

  /**
   * The files by name; none where the file has no tokenizer.
   *
   * @throws org.sparkao.quant.QuantException for tokenizers of a kind that is not read
   */
  static Map<String, byte[]> of(Metadata metadata) {
    String model = metadata.text(PREFIX + "model").orElse("none");
    TokenizerTexts texts = new TokenizerTexts(metadata);
    Map<String, byte[]> files = new LinkedHashMap<>();
    switch (model) {
      case "none", "no_vocab" -> {
        return files;
      }
      case "gpt2" -> files.put("tokenizer.json", json(texts.bytePairs()));
      case "llama" -> files.put("tokenizer.model", texts.sentencePiece());
      default ->
          throw metadata.refused(PREFIX + "model is " + model + "; only gpt2 and llama are read");
    }
    files.put("tokenizer_config.json", json(texts.settings()));
    return files;
  }

  private ObjectNode bytePairs() {
    List<Long> types = types();
    ObjectNode root = JSON.createObjectNode();
    root.put("version", "1.0").putNull("truncation").putNull("padding");
    var added = root.putArray("added_tokens");
    ObjectNode vocabulary = JSON.createObjectNode();
    for (int id = 0; id < tokens.size(); id++) {
      TokenType type = TokenType.of(types.get(id));
      if (type == TokenType.UNUSED) {
        continue;
      }
      vocabulary.put(tokens.get(id), id);
      if (type != TokenType.NORMAL) {
        added
            .addObject()
            .put("id", id)
            .put("content", tokens.get(id))
            .put("single_word", false)
            .put("lstrip", false)
            .put("rstrip", false)
            .put("normalized", false)
            .put("special", type != TokenType.USER_DEFINED);
      }
    }
    PreTokenizer pre = PreTokenizer.of(metadata, PREFIX + "pre");
    root.putNull("normalizer");
    root.set("pre_tokenizer", pre.json(JSON));
    root.set("post_processor", post(pre));
    root.putObject("decoder")
        .put("type", "ByteLevel")
        .put("add_prefix_space", true)
        .put("trim_offsets", true)
        .put("use_regex", true);
    ObjectNode model = root.putObject("model");
    model.put("type", "BPE").putNull("dropout").putNull("unk_token");
    model.putNull("continuing_subword_prefix").putNull("end_of_word_suffix");
    model.put("fuse_unk", false).put("byte_fallback", false);
    model.put("ignore_merges", pre == PreTokenizer.LLAMA_3);
    model.set("vocab", vocabulary);
    var merges = model.putArray("merges");
    metadata.list(PREFIX + "merges", String.class).forEach(merges::add);
    return root;
  }

  /** What puts the first token before a text, where the file asks for it. */
  private JsonNode post(PreTokenizer pre) {
    boolean adds = metadata.flag(PREFIX + "add_bos_token").orElse(pre == PreTokenizer.LLAMA_3);
    Long bos = metadata.whole(PREFIX + "bos_token_id").orElse(-1L);
    if (!adds || bos < 0 || bos >= tokens.size()) {
      return JSON.nullNode();
    }
    String text = tokens.get(bos.intValue());
    ObjectNode template = JSON.createObjectNode().put("type", "TemplateProcessing");
    var single = template.putArray("single");
    single.addObject().putObject("SpecialToken").put("id", text).put("type_id", 0);
    single.addObject().putObject("Sequence").put("id", "A").put("type_id", 0);
    var pair = template.putArray("pair");
    pair.addObject().putObject("SpecialToken").put("id", text).put("type_id", 0);
    pair.addObject().putObject("Sequence").put("id", "A").put("type_id", 0);
    pair.addObject().putObject("Sequence").put("id", "B").put("type_id", 1);
    ObjectNode token = template.putObject("special_tokens").putObject(text);
    token.put("id", text).putArray("ids").add(bos);
    token.putArray("tokens").add(text);
    return template;
  }

  /** {@code ModelProto} of sentencepiece_model.proto: pieces, a BPE trainer, plain spaces. */
  private byte[] sentencePiece() {
    List<Long> types = types();
    List<Double> scores = metadata.list(PREFIX + "scores", Double.class);
    if (scores.size() != tokens.size()) {
      throw metadata.refused(
          PREFIX + "scores has " + scores.size() + " elements for " + tokens.size() + " tokens");
    }
    ProtocolOutput model = new ProtocolOutput();
    boolean bytes = false;
    for (int id = 0; id < tokens.size(); id++) {
      TokenType type = TokenType.of(types.get(id));
      bytes |= type == TokenType.BYTE;
      model.message(
          1,
          new ProtocolOutput()
              .text(1, tokens.get(id))
              .number(2, scores.get(id).floatValue())
              .whole(3, types.get(id)));
    }
    ProtocolOutput trainer = new ProtocolOutput().whole(3, 2).whole(35, bytes ? 1 : 0);
    String[] keys = {"unk_token", "bos_token", "eos_token", "pad_token"};
    for (int i = 0; i < keys.length; i++) {
      long none = -1;
      trainer.whole(40 + i, metadata.whole(PREFIX + SPECIAL.get(keys[i])).orElse(none));
    }
    boolean space = metadata.flag(PREFIX + "add_space_prefix").orElse(true);
    model.message(2, trainer);
    model.message(
        3,
        new ProtocolOutput().text(1, "identity").whole(3, space ? 1 : 0).whole(4, 0).whole(5, 1));
    return model.bytes();
  }

  private List<Long> types() {
    List<Long> types = metadata.list(PREFIX + "token_type", Long.class);
    if (types.size() != tokens.size()) {
      throw metadata.refused(
          PREFIX + "token_type has " + types.size() + " elements for " + tokens.size() + " tokens");
    }
    return types;
  }

  private ObjectNode settings() {
    ObjectNode settings = JSON.createObjectNode();
    for (String key : List.of("add_bos_token", "add_eos_token")) {
      metadata.flag(PREFIX + key).ifPresent(add -> settings.put(key, add));
    }
    metadata
        .flag(PREFIX + "add_space_prefix")
        .ifPresent(add -> settings.put("add_prefix_space", add));
    metadata
        .text("tokenizer.chat_template")
        .ifPresent(template -> settings.put("chat_template", template));
    SPECIAL.forEach(
        (key, id) ->
            metadata
                .whole(PREFIX + id)
                .filter(number -> number >= 0 && number < tokens.size())
                .ifPresent(number -> settings.put(key, tokens.get(number.intValue()))));
    return settings;
  }

  private static byte[] json(ObjectNode node) {
    try {
      return JSON.writeValueAsString(node).getBytes(StandardCharsets.UTF_8);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree in memory", e);
    }
  }
}
