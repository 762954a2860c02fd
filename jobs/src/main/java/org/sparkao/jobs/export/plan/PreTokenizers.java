package org.sparkao.jobs.export.plan;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import org.sparkao.quant.QuantException;

/** What llama.cpp calls the ways in which texts are cut before byte-level BPE. */
final class PreTokenizers {
  /** Digits one by one, then GPT-2's expression. */
  static final String SMOLLM = "smollm";

  /** By what {@code tokenizer.json} says, reduced to kinds and expressions. */
  private static final Map<String, String> NAMES =
      Map.of(
          "Digits(true) ByteLevel(true)",
          SMOLLM,
          "ByteLevel(true)",
          "gpt-2",
          "Split((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
              + " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+) ByteLevel(false)",
          "llama-bpe");

  private PreTokenizers() {}

  /**
   * The name for a tokenizer.
   *
   * @param file it was read from
   * @throws QuantException when llama.cpp's name is not known
   */
  static String of(JsonNode tokenizer, String file) {
    JsonNode step = tokenizer.path("pre_tokenizer");
    StringBuilder said = new StringBuilder();
    if (step.path("type").asText().equals("Sequence")) {
      step.path("pretokenizers").forEach(part -> said.append(' ').append(describe(part)));
    } else {
      said.append(' ').append(describe(step));
    }
    String name = NAMES.get(said.substring(1));
    if (name == null) {
      throw new QuantException(
          file
              + ": pre_tokenizer"
              + said
              + " has no name in llama.cpp that is known here; known are those of Llama 3, SmolLM"
              + " and GPT-2");
    }
    return name;
  }

  private static String describe(JsonNode part) {
    String type = part.path("type").asText("none");
    return switch (type) {
      case "Digits" -> "Digits(" + part.path("individual_digits").asBoolean() + ")";
      case "ByteLevel" -> "ByteLevel(" + part.path("use_regex").asBoolean(true) + ")";
      case "Split" -> "Split(" + part.path("pattern").path("Regex").asText() + ")";
      default -> type;
    };
  }
}
