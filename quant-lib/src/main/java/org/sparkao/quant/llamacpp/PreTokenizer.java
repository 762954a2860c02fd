package org.sparkao.quant.llamacpp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Arrays;

/**
 * How texts are cut before byte-level BPE, by llama.cpp's names.
 *
 * <p>Source: llama.cpp, {@code llama-vocab.cpp} and {@code convert_hf_to_gguf_update.py}.
 */
enum PreTokenizer {
  GPT_2("gpt-2"),
  /** Digits one by one, then GPT-2's expression. */
  SMOLLM("smollm"),
  LLAMA_3("llama-bpe");

  private static final String EXPRESSION =
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
          + " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

  private final String name;

  PreTokenizer(String name) {
    this.name = name;
  }

  /**
   * The one that a file names.
   *
   * @throws org.sparkao.quant.QuantException for those that are not read
   */
  static PreTokenizer of(Metadata metadata, String key) {
    String name = metadata.text(key).orElse("none");
    return Arrays.stream(values())
        .filter(any -> any.name.equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                metadata.refused(
                    key
                        + " is "
                        + name
                        + ", which is not read; read are those of Llama 3 (llama-bpe), SmolLM"
                        + " (smollm) and GPT-2 (gpt-2)"));
  }

  /** As {@code tokenizer.json} says it. */
  JsonNode json(ObjectMapper mapper) {
    ObjectNode bytes =
        mapper
            .createObjectNode()
            .put("type", "ByteLevel")
            .put("add_prefix_space", false)
            .put("trim_offsets", true)
            .put("use_regex", this != LLAMA_3);
    if (this == GPT_2) {
      return bytes;
    }
    ObjectNode first = mapper.createObjectNode();
    if (this == SMOLLM) {
      first.put("type", "Digits").put("individual_digits", true);
    } else {
      first.put("type", "Split").put("behavior", "Isolated").put("invert", false);
      first.putObject("pattern").put("Regex", EXPRESSION);
    }
    ObjectNode steps = mapper.createObjectNode().put("type", "Sequence");
    steps.putArray("pretokenizers").add(first).add(bytes);
    return steps;
  }
}
