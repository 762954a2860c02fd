package org.sparkao.quant.format;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.function.IntToDoubleFunction;
import java.util.function.ToIntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.quant.golden.GoldenFile;

/** {@code golden/numbers}: ml_dtypes, PyTorch and torchao on the same inputs. */
class TestGoldenNumbers {

  @ParameterizedTest
  @CsvSource({"e4m3fn", "e5m2", "e2m1", "e8m0"})
  void decodesEveryCode(String name) throws IOException {
    NumberFormat format = named(name);
    List<String> rows = rows("codes_" + name + ".tsv");
    assertThat(rows).hasSize(1 + (1 << format.bits()));
    for (String row : rows.subList(1, rows.size())) {
      String[] cells = row.split("\t");
      float expected = Float.intBitsToFloat(Integer.parseUnsignedInt(cells[1], 16));
      float actual = format.decode(Integer.parseInt(cells[0], 16));
      assertThat(Float.floatToIntBits(actual)).as(row).isEqualTo(Float.floatToIntBits(expected));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "round_bf16.tsv, 1, bf16, SPECIAL",
    "round_bf16.tsv, 2, bf16, SPECIAL",
    "round_fp16.tsv, 1, fp16, SPECIAL",
    "round_fp16.tsv, 2, fp16, SPECIAL",
    "round_e4m3fn.tsv, 1, e4m3fn, SPECIAL",
    "round_e4m3fn.tsv, 2, e4m3fn, SATURATE",
    "round_e4m3fn.tsv, 3, e4m3fn, SATURATE",
    "round_e5m2.tsv, 1, e5m2, SPECIAL",
    "round_e5m2.tsv, 2, e5m2, SPECIAL",
    "round_e5m2.tsv, 3, e5m2, SATURATE",
    "round_e8m0.tsv, 1, e8m0, SPECIAL",
    "round_e8m0.tsv, 2, e8m0, SATURATE",
  })
  void rounds(String file, int column, String name, Overflow overflow) throws IOException {
    NumberFormat format = named(name);
    check(file, column, Float::intBitsToFloat, format, value -> format.encode(value, overflow));
  }

  @Test
  void roundsScalesUp() throws IOException {
    PowerOfTwo format = NumberFormats.E8M0;
    check("round_e8m0.tsv", 3, Float::intBitsToFloat, format, format::encodeUp);
  }

  @ParameterizedTest
  @CsvSource({"1", "2"})
  void roundsToFourBits(int column) throws IOException {
    NumberFormat format = NumberFormats.E2M1;
    check(
        "round_e2m1.tsv",
        column,
        Float::intBitsToFloat,
        format,
        value -> format.encode(value, Overflow.SATURATE));
  }

  @Test
  void addingZeroDropsTheSignOfZeroAsCompressedTensorsDoes() throws IOException {
    NumberFormat format = NumberFormats.E2M1;
    check(
        "round_e2m1.tsv",
        3,
        Float::intBitsToFloat,
        format,
        value -> format.encode(value + 0f, Overflow.SATURATE));
  }

  @ParameterizedTest
  @CsvSource({"1, e4m3fn, SATURATE", "2, e5m2, SPECIAL", "3, e4m3fn, SATURATE"})
  void roundsFromBf16(int column, String name, Overflow overflow) throws IOException {
    NumberFormat format = named(name);
    check(
        "round_bf16_to_fp8.tsv",
        column,
        bits -> NumberFormats.BF16.decode(bits),
        format,
        value -> format.encode(value, overflow));
  }

  private static void check(
      String file,
      int column,
      IntToDoubleFunction input,
      NumberFormat format,
      ToIntFunction<Float> encode)
      throws IOException {
    List<String> rows = rows(file);
    for (String row : rows.subList(1, rows.size())) {
      String[] cells = row.split("\t");
      float value = (float) input.applyAsDouble(Integer.parseUnsignedInt(cells[0], 16));
      int expected = Integer.parseInt(cells[column], 16);
      int actual = encode.applyAsInt(value);
      if (Float.isNaN(value) || Float.isNaN(format.decode(expected))) {
        // The libraries disagree on the sign of NaN, and e2m1 has none: "golden/README.md".
        assertThat(Float.isNaN(format.decode(actual)) || format == NumberFormats.E2M1)
            .as(row)
            .isTrue();
      } else {
        assertThat(actual).as(row).isEqualTo(expected);
      }
    }
  }

  private static NumberFormat named(String name) {
    return NumberFormats.all().stream()
        .filter(format -> format.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private static List<String> rows(String file) throws IOException {
    return Files.readAllLines(GoldenFile.folder().resolve("numbers").resolve(file));
  }
}
