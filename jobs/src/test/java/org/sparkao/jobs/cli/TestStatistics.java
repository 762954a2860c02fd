package org.sparkao.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.jobs.cli.Checkpoints.Stored;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.table.TableRow;
import org.sparkao.jobs.table.TensorRow;

/** The figures of {@code tensors} against the written files, dequantized here as loaders do. */
class TestStatistics {
  @TempDir private Path temp;

  /** Codes and the scale of each. */
  @FunctionalInterface
  private interface Dequantizer {
    /** Dequantized weights; {@code scales} gets the scale of each. */
    float[] of(Map<String, Stored> output, String module, int rows, int columns, float[] scales);
  }

  private static ByteBuffer bytes(Stored tensor) {
    return ByteBuffer.wrap(tensor.bytes()).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static float bf16(ByteBuffer bytes, int i) {
    return Float.intBitsToFloat(bytes.getShort(2 * i) << 16);
  }

  /** To the nearest bf16, halves to even. */
  private static float toBf16(float value) {
    int bits = Float.floatToIntBits(value);
    return Float.intBitsToFloat(bits + 0x7fff + (bits >>> 16 & 1) & 0xffff0000);
  }

  /** pack-quantized: eight codes an int32, the first in the lowest bits, each plus 8. */
  private static float[] int4(
      Map<String, Stored> output, String module, int rows, int columns, float[] scales) {
    ByteBuffer packed = bytes(output.get(module + ".weight_packed"));
    ByteBuffer scale = bytes(output.get(module + ".weight_scale"));
    float[] weights = new float[rows * columns];
    for (int i = 0; i < weights.length; i++) {
      int code = (packed.getInt(i / 8 * 4) >>> i % 8 * 4 & 15) - 8;
      scales[i] = bf16(scale, i / 128);
      weights[i] = toBf16(code * scales[i]);
    }
    return weights;
  }

  /** float-quantized: one e4m3 code a weight, one scale a row. */
  private static float[] fp8(
      Map<String, Stored> output, String module, int rows, int columns, float[] scales) {
    ByteBuffer codes = bytes(output.get(module + ".weight"));
    ByteBuffer scale = bytes(output.get(module + ".weight_scale"));
    float[] weights = new float[rows * columns];
    for (int i = 0; i < weights.length; i++) {
      int code = codes.get(i);
      int exponent = code >> 3 & 15;
      int mantissa = code & 7;
      double magnitude =
          exponent == 0 ? mantissa * 0x1p-9 : (8 + mantissa) * Math.pow(2, exponent - 10);
      scales[i] = bf16(scale, i / columns);
      weights[i] = toBf16((float) (code < 0 ? -magnitude : magnitude) * scales[i]);
    }
    return weights;
  }

  @Test
  void ofInt4() throws Exception {
    check("W4A16", TestStatistics::int4, -8, 7);
  }

  @Test
  void ofFp8() throws Exception {
    check("FP8_DYNAMIC", TestStatistics::fp8, -464, 464);
  }

  private void check(String scheme, Dequantizer dequantizer, double smallest, double largest)
      throws Exception {
    Path source = Checkpoints.write(temp.resolve("source"), Checkpoints.llama(1, 128, 256));
    Path output = temp.resolve("output");
    Command command = new Command();
    assertThat(command.quantize(source, output, "--scheme", scheme))
        .as(command.err())
        .isEqualTo(ExitCode.DONE);
    Map<String, Stored> before = Checkpoints.read(source);
    Map<String, Stored> after = Checkpoints.read(output);
    int checked = 0;
    for (TableRow row : TableReader.rows(temp.resolve("tables"), TensorRow.TABLE)) {
      assertHashes(row, before, after, output);
      if (row.findText("scheme").equals(Optional.of(scheme))) {
        assertFigures(row, before.get(row.text("tensor")), after, dequantizer, smallest, largest);
        checked++;
      }
    }
    assertThat(checked).isEqualTo(7);
  }

  private static void assertHashes(
      TableRow row, Map<String, Stored> before, Map<String, Stored> after, Path output)
      throws Exception {
    String name = row.text("tensor");
    assertThat(row.text("source_sha256")).as(name).isEqualTo(sha256(before.get(name).bytes()));
    byte[] file = Files.readAllBytes(output.resolve(row.text("output_file")));
    List<TensorRow.Part> parts = TensorRow.parts(row);
    byte[] digests = new byte[32 * parts.size()];
    for (int i = 0; i < parts.size(); i++) {
      TensorRow.Part part = parts.get(i);
      byte[] stored = after.get(part.name()).bytes();
      assertThat(part.sha256()).as(part.name()).isEqualTo(sha256(stored));
      assertThat(ByteBuffer.wrap(file, (int) part.begin(), (int) part.bytes()))
          .as(part.name())
          .isEqualTo(ByteBuffer.wrap(stored));
      System.arraycopy(HexFormat.of().parseHex(part.sha256()), 0, digests, 32 * i, 32);
    }
    assertThat(row.text("output_sha256"))
        .as(name)
        .isEqualTo(parts.size() == 1 ? parts.get(0).sha256() : sha256(digests));
  }

  private static String sha256(byte[] bytes) throws Exception {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
  }

  private static void assertFigures(
      TableRow row,
      Stored source,
      Map<String, Stored> output,
      Dequantizer dequantizer,
      double smallest,
      double largest) {
    int rows = Math.toIntExact(source.shape().get(0));
    int columns = Math.toIntExact(source.shape().get(1));
    float[] scales = new float[rows * columns];
    float[] now = dequantizer.of(output, row.text("module"), rows, columns, scales);
    double amax = 0;
    double signal = 0;
    double noise = 0;
    double absolute = 0;
    double most = 0;
    long clipped = 0;
    ByteBuffer weights = bytes(source);
    for (int i = 0; i < now.length; i++) {
      double weight = bf16(weights, i);
      double error = Math.abs(weight - now[i]);
      amax = Math.max(amax, Math.abs(weight));
      signal += weight * weight;
      noise += error * error;
      absolute += error;
      most = Math.max(most, error);
      // The division of bf16 by bf16, as PyTorch has it; integers round halves to even.
      double quotient = toBf16((float) weight / scales[i]);
      double code = largest < 100 ? Math.rint(quotient) : quotient;
      clipped += code < smallest || code > largest ? 1 : 0;
    }
    String name = row.text("tensor");
    assertThat(row.number("elements")).as(name).isEqualTo(now.length);
    assertThat(row.number("non_finite")).as(name).isZero();
    assertThat(row.decimal("amax")).as(name).isEqualTo(amax);
    assertThat(row.decimal("max_error")).as(name).isEqualTo(most);
    assertThat(row.decimal("sqnr_db"))
        .as(name)
        .isCloseTo(10 * Math.log10(signal / noise), within(1e-4));
    assertThat(row.decimal("mean_error") * now.length)
        .as(name)
        .isCloseTo(absolute, within(1e-5 * absolute));
    assertThat(row.decimal("clipped_fraction")).as(name).isEqualTo((double) clipped / now.length);
  }
}
