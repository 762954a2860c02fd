package org.sparkao.datasets.task;

import java.io.ByteArrayInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorInputStream;

/** Reads a data file whole, unpacked by the end of its name. */
final class DataFile {
  private static final String BUNDLED = "bundled:";

  private DataFile() {}

  /** The lines without their ends; a last empty one is none. */
  static List<String> lines(Path file) {
    byte[] bytes = bytes(file);
    List<String> lines = new ArrayList<>();
    int begin = 0;
    for (int i = 0; i <= bytes.length; i++) {
      if (i == bytes.length ? begin < i : bytes[i] == '\n') {
        int end = i > begin && bytes[i - 1] == '\r' ? i - 1 : i;
        lines.add(decoded(file, lines.size() + 1L, ByteBuffer.wrap(bytes, begin, end - begin)));
        begin = i + 1;
      }
    }
    return lines;
  }

  /** Whether a file's name is that of a resource of this module. */
  static boolean isBundled(String name) {
    return name.startsWith(BUNDLED);
  }

  private static byte[] bytes(Path file) {
    String name = file.toString();
    try (InputStream in = open(file)) {
      byte[] bytes = in.readAllBytes();
      if (name.endsWith(".bz2")) {
        return new BZip2CompressorInputStream(new ByteArrayInputStream(bytes), true).readAllBytes();
      }
      return name.endsWith(".gz")
          ? new GZIPInputStream(new ByteArrayInputStream(bytes)).readAllBytes()
          : bytes;
    } catch (IOException e) {
      throw TaskErrors.unreadable(name, e);
    }
  }

  private static InputStream open(Path file) throws IOException {
    String name = file.toString();
    if (!isBundled(name)) {
      return Files.newInputStream(file);
    }
    InputStream in = DataFile.class.getResourceAsStream(name.substring(BUNDLED.length()));
    if (in == null) {
      throw new FileNotFoundException("no such resource");
    }
    return in;
  }

  private static String decoded(Path file, long line, ByteBuffer bytes) {
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPORT)
          .onUnmappableCharacter(CodingErrorAction.REPORT)
          .decode(bytes)
          .toString();
    } catch (CharacterCodingException e) {
      throw TaskErrors.line(file, line, "is not UTF-8");
    }
  }
}
