package org.sparkao.quant.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.quant.checkpoint.MatrixView.Axes;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.safetensors.Sha256;

final class TestWeightReader {
  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"BF16", "F16", "F32"})
  void passesWhatNeedsNoDecoding(DType dtype) throws IOException {
    byte[] bytes = random(5 * 3 * dtype.bits() / 8);
    write(fixture().tensor("a.weight", dtype, List.of(5L, 3L), bytes));
    WeightSource weight = sources().weight("a.weight");

    for (int step : List.of(1, 2, 5)) {
      MessageDigest digest = Sha256.newDigest();
      assertThat(read(weight, step, digest)).isEqualTo(bytes);
      assertThat(Sha256.hex(digest)).isEqualTo(sha256(bytes));
    }
    assertThat(weight.dtype()).isEqualTo(dtype);
    assertThat(weight.tensors()).extracting(t -> t.entry().name()).containsExactly("a.weight");
  }

  @Test
  void hashesSlicesLongerThanAChunk() throws IOException {
    byte[] bytes = random(2 * 700 * 500);
    write(fixture().tensor("a.weight", DType.BF16, List.of(700L, 500L), bytes));
    MessageDigest digest = Sha256.newDigest();
    assertThat(read(sources().weight("a.weight"), 700, digest)).isEqualTo(bytes);
    assertThat(Sha256.hex(digest)).isEqualTo(sha256(bytes));
  }

  @Test
  void readsOneExpertOfMany() throws IOException {
    byte[] bytes = random(2 * 3 * 4 * 5);
    write(fixture().tensor("experts", DType.BF16, List.of(3L, 4L, 5L), bytes));
    WeightSource expert = sources().weight("experts", 2, Axes.ROWS_FIRST);

    assertThat(expert.rows()).isEqualTo(4);
    assertThat(expert.columns()).isEqualTo(5);
    assertThat(read(expert, 3, Sha256.newDigest())).isEqualTo(range(bytes, 80, 120));
    assertThat(read(expert.rowRange(1, 3), 2, Sha256.newDigest())).isEqualTo(range(bytes, 90, 110));
    assertThat(read(expert.rowRange(1, 4).rowRange(1, 2), 1, Sha256.newDigest()))
        .isEqualTo(range(bytes, 100, 110));
  }

  /** Sizes: one panel; several panels of whole disk rows; narrow parts of long disk rows. */
  @ParameterizedTest
  @ValueSource(strings = {"3 4 6 1 5", "2 9000 4100 10 4090", "1 3 700000 1000 2000"})
  void transposesExpertsThatStandTheOtherWay(String sizes) throws IOException {
    long[] size = Arrays.stream(sizes.split(" ")).mapToLong(Long::parseLong).toArray();
    int columns = (int) size[1];
    int rows = (int) size[2];
    byte[] bytes = random((int) (2 * size[0] * columns * rows));
    write(fixture().tensor("experts", DType.BF16, List.of(size[0], size[1], size[2]), bytes));
    int matrix = (int) size[0] - 1;
    WeightSource part =
        sources().weight("experts", matrix, Axes.COLUMNS_FIRST).rowRange(size[3], size[4]);
    assertThat(part.columns()).isEqualTo(columns);

    byte[] expected = new byte[2 * columns * (int) part.rows()];
    for (int row = 0; row < part.rows(); row++) {
      for (int column = 0; column < columns; column++) {
        int from = 2 * ((matrix * columns + column) * rows + (int) size[3] + row);
        expected[2 * (row * columns + column)] = bytes[from];
        expected[2 * (row * columns + column) + 1] = bytes[from + 1];
      }
    }
    MessageDigest digest = Sha256.newDigest();
    assertThat(Arrays.mismatch(read(part, 1000, digest), expected)).isEqualTo(-1);
    assertThat(Sha256.hex(digest)).isEqualTo(sha256(expected));
  }

  @Test
  void transposesOtherTypes() throws IOException {
    // [1, K = 2, N = 3]; codes 1, 2, 3 and their negatives
    byte[] codes = {0x38, 0x40, 0x44, (byte) 0xB8, (byte) 0xC0, (byte) 0xC4};
    byte[] floats = new byte[24];
    for (int i = 0; i < 24; i++) {
      floats[i] = (byte) i;
    }
    write(
        fixture()
            .tensor("fp8", DType.F8_E4M3, List.of(1L, 2L, 3L), codes)
            .tensor("f32", DType.F32, List.of(1L, 2L, 3L), floats));
    assertThat(read(sources().weight("fp8", 0, Axes.COLUMNS_FIRST), 2, Sha256.newDigest()))
        .inHexadecimal()
        .containsExactly(0x80, 0x3F, 0x80, 0xBF, 0x00, 0x40, 0x00, 0xC0, 0x40, 0x40, 0x40, 0xC0);
    assertThat(read(sources().weight("f32", 0, Axes.COLUMNS_FIRST), 2, Sha256.newDigest()))
        .containsExactly(
            0, 1, 2, 3, 12, 13, 14, 15, 4, 5, 6, 7, 16, 17, 18, 19, 8, 9, 10, 11, 20, 21, 22, 23);
  }

  @Test
  void readsInAnyOrderWithoutADigest() throws IOException {
    byte[] bytes = random(2 * 4 * 3);
    write(fixture().tensor("a.weight", DType.BF16, List.of(4L, 3L), bytes));
    WeightSource weight = sources().weight("a.weight");
    byte[] buffer = new byte[14];
    try (WeightReader reader = WeightReader.open(LocalFiles.of(folder), weight)) {
      reader.readRows(2, 2, buffer, 1);
      assertThat(range(buffer, 1, 13)).isEqualTo(range(bytes, 12, 24));
      reader.readRows(0, 1, buffer, 0);
      assertThat(range(buffer, 0, 6)).isEqualTo(range(bytes, 0, 6));
      assertThatThrownBy(() -> reader.readRows(3, 2, buffer, 0))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> reader.readRows(0, 3, buffer, 0))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
    try (WeightReader reader =
        WeightReader.open(LocalFiles.of(folder), weight, Sha256.newDigest())) {
      assertThatThrownBy(() -> reader.readRows(2, 1, buffer, 0))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("a.weight: row 2 after row 0");
    }
  }

  @Test
  void copiesTensorsUnchanged() throws IOException {
    byte[] bytes = random(9_500_000);
    write(fixture().tensor("a", DType.U8, List.of(9_500_000L), bytes).bf16("b", 1));
    CheckpointTensor tensor = Checkpoint.open(LocalFiles.of(folder)).tensor("a").orElseThrow();
    ByteArrayOutputStream copy = new ByteArrayOutputStream();
    TensorCopy.copy(LocalFiles.of(folder), tensor, copy::write);
    assertThat(copy.toByteArray()).isEqualTo(bytes);
  }

  private CheckpointFixture fixture() {
    return new CheckpointFixture(folder);
  }

  private static void write(CheckpointFixture fixture) {
    fixture.write();
  }

  private WeightSources sources() throws IOException {
    return new WeightSources(Checkpoint.open(LocalFiles.of(folder)));
  }

  private byte[] read(WeightSource weight, int step, MessageDigest digest) throws IOException {
    return CheckpointFixture.readAll(LocalFiles.of(folder), weight, step, digest);
  }

  private static byte[] random(int length) {
    byte[] bytes = new byte[length];
    new Random(length).nextBytes(bytes);
    return bytes;
  }

  private static byte[] range(byte[] bytes, int begin, int end) {
    return Arrays.copyOfRange(bytes, begin, end);
  }

  private static String sha256(byte[] bytes) {
    MessageDigest digest = Sha256.newDigest();
    digest.update(bytes);
    return Sha256.hex(digest);
  }
}
