package org.sparkao.jobs.text;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import org.sparkao.jobs.storage.FileLocation;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.safetensors.ByteSource;

/**
 * A file of texts, as every job that takes some reads it: {@code .parquet}, lines of JSON ({@code
 * .jsonl}, {@code .json}), or plain text, in UTF-8. Lines are read piece by piece.
 *
 * @param folder that it is in
 * @param name of it there
 * @param option that names it, for messages
 */
public record TextFile(Folder folder, String name, String option) {
  /** Bytes that are read at a time, at first. */
  private static final long PIECE = 1 << 20;

  private static final int LONGEST_ARRAY = Integer.MAX_VALUE - 8;
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Reads the rows of a Parquet file as JSON. */
  @FunctionalInterface
  public interface Parquet {
    /** All rows, in order. */
    List<String> json(String uri) throws IOException;
  }

  /**
   * A line, or a row of Parquet.
   *
   * @param json the object; of plain text a string
   * @param offset byte at which the line begins; of Parquet the number of the row, from 0
   * @param where file and line or row, for messages
   */
  public record Row(JsonNode json, long offset, String where) {}

  /** The file of a URI. */
  public static TextFile of(Storage storage, String uri, String option) throws IOException {
    FileLocation file = FileLocation.of(uri);
    return new TextFile(storage.folder(file.folder()), file.name(), option);
  }

  /** Where it is. */
  public String location() {
    return folder.location() + "/" + name;
  }

  /** Whether it has rows; otherwise it is plain text. */
  public boolean hasRows() {
    return name.endsWith(".parquet") || name.endsWith(".jsonl") || name.endsWith(".json");
  }

  /**
   * Reads rows, those of plain text too; lines of white space are none.
   *
   * @param wantsMore is given one after the other, as long as it says so
   * @throws QuantException when there is no such file, or a line is not JSON
   */
  public void rows(Parquet parquet, Predicate<Row> wantsMore) throws IOException {
    if (name.endsWith(".parquet")) {
      Storage.requireReadableBySpark(location());
      List<String> rows = parquet.json(uri());
      for (int i = 0; i < rows.size(); i++) {
        String where = location() + ", row " + (i + 1);
        if (!wantsMore.test(new Row(json(rows.get(i), where), i, where))) {
          return;
        }
      }
      return;
    }
    try (ByteSource source = open()) {
      lines(source, wantsMore);
    }
  }

  /**
   * Reads the beginning of plain text.
   *
   * @param most bytes; the text ends with a line where that is possible
   */
  public String text(long most) throws IOException {
    try (ByteSource source = open()) {
      return new String(lines(source, 0, most), StandardCharsets.UTF_8);
    }
  }

  /** As Spark, which may take paths for those of another file system, must hear it. */
  private String uri() {
    return Storage.localPath(location())
        .map(path -> path.toAbsolutePath().toUri().toString())
        .orElse(location());
  }

  private ByteSource open() throws IOException {
    if (folder.size(name).isEmpty()) {
      throw new QuantException(option + " " + location() + ": there is no such file");
    }
    return folder.open(name);
  }

  /** From a place on, whole lines of at most so many bytes; all of these where none ends there. */
  private static byte[] lines(ByteSource source, long at, long most) throws IOException {
    long left = source.size() - at;
    byte[] bytes = new byte[(int) Math.min(left, Math.min(most, LONGEST_ARRAY))];
    source.readFully(at, bytes, 0, bytes.length);
    int end = bytes.length;
    while (bytes.length < left && end > 0 && bytes[end - 1] != '\n') {
      end--;
    }
    return end == 0 ? bytes : Arrays.copyOf(bytes, end);
  }

  /** A piece after the other: lines may be of any size. */
  private void lines(ByteSource source, Predicate<Row> wantsMore) throws IOException {
    long most = PIECE;
    int line = 0;
    for (long at = 0; at < source.size(); ) {
      byte[] bytes = lines(source, at, most);
      boolean ends = bytes[bytes.length - 1] == '\n' || at + bytes.length == source.size();
      if (!ends && most < LONGEST_ARRAY) {
        most *= 2;
        continue;
      }
      for (int begin = 0; begin < bytes.length; ) {
        int end = begin;
        while (end < bytes.length && bytes[end] != '\n') {
          end++;
        }
        line++;
        String text = new String(bytes, begin, end - begin, StandardCharsets.UTF_8);
        if (!text.isBlank() && !wantsMore.test(row(text, at + begin, line))) {
          return;
        }
        begin = end + 1;
      }
      at += bytes.length;
    }
  }

  private Row row(String text, long offset, int line) {
    String where = location() + ", line " + line;
    return new Row(hasRows() ? json(text, where) : JSON.valueToTree(text), offset, where);
  }

  private static JsonNode json(String text, String where) {
    try {
      return JSON.readTree(text);
    } catch (JsonProcessingException e) {
      throw new QuantException(where + ": is not JSON: " + e.getOriginalMessage(), e);
    }
  }
}
