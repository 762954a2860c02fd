package org.sparkao.datasets.sample;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * Writes {@code train.txt}, {@code held-out.txt} and {@code items.jsonl} into the folder named by
 * the only argument: what the trainer reads, and what is committed as a resource. UTF-8, lines end
 * with a line feed.
 */
public final class WriteSampleText {
  private WriteSampleText() {}

  /** The command: one argument, the folder. */
  public static void main(String[] arguments) throws IOException {
    if (arguments.length != 1) {
      throw new IllegalArgumentException(
          "expected one argument, the folder to write to, got " + arguments.length);
    }
    writeTo(Path.of(arguments[0]));
  }

  static void writeTo(Path folder) throws IOException {
    Files.createDirectories(folder);
    SampleText text = new SampleText();
    JsonMapper mapper = new JsonMapper();
    writeLines(folder.resolve("items.jsonl"), text.items().stream().map(i -> json(mapper, i)));
    writeLines(folder.resolve("held-out.txt"), text.heldOut().stream());
    writeLines(
        folder.resolve("train.txt"), StreamSupport.stream(text.training().spliterator(), false));
  }

  private static String json(JsonMapper mapper, SampleItem item) {
    try {
      return mapper.writeValueAsString(item);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void writeLines(Path file, Stream<String> lines) throws IOException {
    try (BufferedWriter writer = Files.newBufferedWriter(file, StandardCharsets.UTF_8)) {
      for (String line : (Iterable<String>) lines::iterator) {
        writer.write(line);
        writer.write('\n');
      }
    }
  }
}
