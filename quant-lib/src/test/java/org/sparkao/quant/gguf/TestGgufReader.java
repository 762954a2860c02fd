package org.sparkao.quant.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.safetensors.FileSource;

/** What cannot be a GGUF file is refused with file, place and way out. */
class TestGgufReader {
  @TempDir private Path temp;

  private static final int VERSION_AT = 4;
  private static final int TENSORS_AT = 8;
  private static final int VALUES_AT = 16;
  private static final int KEY_AT = 24;

  private static GgufTensor tensor(String name, long offset) {
    return new GgufTensor(name, List.of(2L, 32L), GgufType.Q8_0, offset);
  }

  /** A key and tensors, and as much data as is given. */
  private static byte[] file(int dataBytes, GgufTensor... tensors) {
    byte[] header =
        new GgufHeader(Map.of("key", GgufValue.text("value")), List.of(tensors)).bytes();
    return Arrays.copyOf(header, header.length + dataBytes);
  }

  private static byte[] with(byte[] file, int at, long value, int bytes) {
    ByteBuffer buffer = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    if (bytes == 8) {
      buffer.putLong(at, value);
    } else {
      buffer.putInt(at, (int) value);
    }
    return file;
  }

  private GgufReader.Read read(byte[] bytes) throws IOException {
    Path file = Files.write(temp.resolve("model.gguf"), bytes);
    try (FileSource source = FileSource.open(file)) {
      return GgufReader.read(source);
    }
  }

  private AbstractThrowableAssert<?, ?> refused(byte[] bytes) {
    return assertThatThrownBy(() -> read(bytes))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("model.gguf: ");
  }

  /** Where the number begins that follows a text. */
  private static int after(byte[] file, String text) {
    return new String(file, StandardCharsets.ISO_8859_1).indexOf(text) + text.length();
  }

  @Test
  void wellFormedFileIsRead() throws IOException {
    GgufReader.Read read = read(file(192, tensor("a", 0), tensor("b", 96)));
    assertThat(read.header().tensors()).containsExactly(tensor("a", 0), tensor("b", 96));
    assertThat(read.header().metadata()).containsEntry("key", GgufValue.text("value"));
    assertThat(read.dataBegin() % 32).isZero();
  }

  @Test
  void beginAndVersion() {
    refused(with(file(160, tensor("a", 0)), 0, 7, 4)).hasMessageContaining("begin with GGUF");
    refused(with(file(160, tensor("a", 0)), VERSION_AT, 2, 4)).hasMessageContaining("version 2");
    refused(new byte[3]).hasMessageContaining("begin with GGUF");
  }

  @Test
  void countsThatDoNotFit() {
    refused(with(file(160, tensor("a", 0)), TENSORS_AT, 1L << 40, 8))
        .hasMessageContaining("1099511627776 tensors do not fit");
    refused(with(file(160, tensor("a", 0)), VALUES_AT, -1, 8))
        .hasMessageContaining("18446744073709551615 values do not fit");
  }

  @Test
  void textsThatRunPastTheEnd() {
    refused(with(file(160, tensor("a", 0)), KEY_AT, 1L << 50, 8))
        .hasMessageContaining("the key of value 0")
        .hasMessageContaining("runs past the end");
    byte[] whole = file(160, tensor("a", 0));
    refused(Arrays.copyOf(whole, after(whole, "value") + 2))
        .hasMessageContaining("ends within its header");
  }

  @Test
  void tensorsThatDoNotFit() {
    refused(file(160, tensor("a", 0), tensor("b", 64))).hasMessageContaining("b: overlaps a");
    refused(file(160, tensor("a", 0), tensor("a", 96))).hasMessageContaining("a: is there twice");
    refused(file(60, tensor("a", 0))).hasMessageContaining("a: ends past the end of the file");
    refused(file(160, tensor("a", 16))).hasMessageContaining("a: begins at 16");
  }

  @Test
  void shapesAndTypes() {
    byte[] file = file(160, tensor("name", 0));
    int axes = after(file, "name");
    refused(with(file.clone(), axes, 5, 4)).hasMessageContaining("name: has 5 axes");
    refused(with(file.clone(), axes + 4, 31, 8)).hasMessageContaining("name: shape [2, 31]");
    refused(with(file.clone(), axes + 12, 1L << 60, 8)).hasMessageContaining("name: shape");
    refused(with(file.clone(), axes + 20, 4, 4)).hasMessageContaining("name: type 4 is not read");
  }
}
