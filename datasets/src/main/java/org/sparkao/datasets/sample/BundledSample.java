package org.sparkao.datasets.sample;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The sample that travels inside this jar: a Llama checkpoint in the Hugging Face layout (bf16,
 * tied embeddings, every row length a multiple of 128), multiple-choice items that it answers well,
 * and held-out text. {@code MODEL_CARD.md} beside the weights says how it was made and measured.
 */
public final class BundledSample {
  /** The files of the checkpoint folder, in the order in which they are copied. */
  public static final List<String> CHECKPOINT_FILES =
      List.of(
          "config.json",
          "generation_config.json",
          "model.safetensors",
          "tokenizer.json",
          "tokenizer_config.json",
          "training.json",
          "MODEL_CARD.md");

  private static final String CHECKPOINT = "/sample/llama/";
  private static final String ITEMS = "/sample/items.jsonl";
  private static final String HELD_OUT = "/sample/held-out.txt";

  private BundledSample() {}

  /**
   * Writes the checkpoint's files into a folder, which is made if it is missing.
   *
   * @return the folder
   * @throws IOException if a file exists already or cannot be written
   */
  public static Path copyCheckpointTo(Path folder) throws IOException {
    Files.createDirectories(folder);
    for (String name : CHECKPOINT_FILES) {
      try (InputStream file = resource(CHECKPOINT + name)) {
        Files.copy(file, folder.resolve(name));
      }
    }
    return folder;
  }

  /** The items, in the order of their ids. */
  public static List<SampleItem> items() {
    JsonMapper mapper = new JsonMapper();
    return lines(ITEMS).stream().map(line -> item(mapper, line)).toList();
  }

  /** Stories that the model was not trained on, one an element, for perplexity and calibration. */
  public static List<String> heldOutText() {
    return lines(HELD_OUT);
  }

  private static SampleItem item(JsonMapper mapper, String line) {
    try {
      return mapper.readValue(line, SampleItem.class);
    } catch (IOException e) {
      throw new UncheckedIOException(ITEMS + ": " + e.getMessage(), e);
    }
  }

  private static List<String> lines(String name) {
    try (InputStream file = resource(name)) {
      return new String(file.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(name + ": " + e.getMessage(), e);
    }
  }

  private static InputStream resource(String name) {
    InputStream file = BundledSample.class.getResourceAsStream(name);
    if (file == null) {
      throw new IllegalStateException(
          name + " is not in the datasets jar; build the module with its resources");
    }
    return file;
  }
}
