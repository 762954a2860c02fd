package org.sparkao.jobs.export.plan;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.sparkao.quant.gguf.GgufValue;

/**
 * Metadata of a Llama, in the order of llama.cpp's converter, and for blocks of its llama-quantize.
 *
 * <p>Source: llama.cpp's {@code convert_hf_to_gguf.py} and {@code gguf-py/gguf/constants.py}.
 */
record GgufMetadata(LlamaSizes sizes, GgufRecipe recipe) {
  private static final String FILE_TYPE = "general.file_type";
  private static final String BLOCKS_VERSION = "general.quantization_version";
  private static final int BLOCKS = 2;

  Map<String, GgufValue> of(String name, long parameters, Map<String, GgufValue> tokenizer) {
    Map<String, GgufValue> all = new LinkedHashMap<>();
    all.put("general.architecture", GgufValue.text("llama"));
    all.put("general.type", GgufValue.text("model"));
    all.put("general.name", GgufValue.text(name));
    all.put("general.size_label", GgufValue.text(sizeLabel(parameters)));
    all.put("llama.block_count", GgufValue.uint32(sizes.layers()));
    all.put("llama.context_length", GgufValue.uint32(sizes.context()));
    all.put("llama.embedding_length", GgufValue.uint32(sizes.hidden()));
    all.put("llama.feed_forward_length", GgufValue.uint32(sizes.inner()));
    all.put("llama.attention.head_count", GgufValue.uint32(sizes.heads()));
    all.put("llama.attention.head_count_kv", GgufValue.uint32(sizes.keyHeads()));
    all.put("llama.rope.freq_base", GgufValue.float32(sizes.rope().base()));
    all.put("llama.attention.layer_norm_rms_epsilon", GgufValue.float32(sizes.epsilon()));
    all.put("llama.attention.key_length", GgufValue.uint32(sizes.headSize()));
    all.put("llama.attention.value_length", GgufValue.uint32(sizes.headSize()));
    if (recipe.plain()) {
      all.put(FILE_TYPE, GgufValue.uint32(recipe.number()));
    }
    all.put("llama.vocab_size", GgufValue.uint32(sizes.vocabulary()));
    all.put("llama.rope.dimension_count", GgufValue.uint32(sizes.headSize()));
    if (recipe.plain()) {
      all.put(BLOCKS_VERSION, GgufValue.uint32(BLOCKS));
    }
    all.putAll(tokenizer);
    if (!recipe.plain()) {
      all.put(BLOCKS_VERSION, GgufValue.uint32(BLOCKS));
      all.put(FILE_TYPE, GgufValue.uint32(recipe.number()));
    }
    return all;
  }

  /** The last folder of a path as a title: words parted by spaces, each with a capital letter. */
  static String title(String location) {
    String folder = location.replaceFirst("/+$", "").replaceFirst(".*/", "");
    return Arrays.stream(folder.replace('-', ' ').strip().split("\\s+"))
        .map(GgufMetadata::capital)
        .collect(Collectors.joining(" "));
  }

  /** Words with capitals, versions and numbers stay. */
  private static String capital(String word) {
    boolean lower =
        word.equals(word.toLowerCase(Locale.ROOT)) && !word.equals(word.toUpperCase(Locale.ROOT));
    return lower && !word.matches("v\\d+(\\.\\d+)*|\\d.*")
        ? word.substring(0, 1).toUpperCase(Locale.ROOT) + word.substring(1)
        : word;
  }

  /** Two digits at least: 1.4M, 135M, 70B. */
  static String sizeLabel(long parameters) {
    double[] scales = {1e12, 1e9, 1e6, 1e3};
    String[] letters = {"T", "B", "M", "K"};
    int unit = 0;
    while (unit < scales.length - 1 && parameters <= scales[unit]) {
      unit++;
    }
    double scaled = parameters / scales[unit];
    String whole = Long.toString((long) Math.rint(scaled)).replaceFirst("^0+", "");
    int decimals = Math.max(0, 2 - whole.length());
    return String.format(Locale.ROOT, "%." + decimals + "f%s", scaled, letters[unit]);
  }
}
