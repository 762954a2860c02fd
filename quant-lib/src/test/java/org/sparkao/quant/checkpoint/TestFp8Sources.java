package org.sparkao.quant.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.safetensors.Sha256;

/** Weights in F8_E4M3, expected values worked out by hand from the format's definition. */
final class TestFp8Sources {
  private static final String BLOCKS_2X3 =
      "{\"quantization_config\":{\"quant_method\":\"fp8\",\"weight_block_size\":[2,3]}}";

  @TempDir Path folder;
  private CheckpointFixture fixture;

  @BeforeEach
  void newFixture() {
    fixture = new CheckpointFixture(folder);
  }

  @Test
  void codesWithoutAScaleBecomeBf16Exactly() throws IOException {
    // 0, -0, 2^-9, 7 * 2^-9, 2^-6, 1, 1.125, -2, 448, -448, NaN, NaN
    codes(1, 12, 0x00, 0x80, 0x01, 0x07, 0x08, 0x38, 0x39, 0xC0, 0x7E, 0xFE, 0x7F, 0xFF);
    assertThat(read(DType.BF16))
        .containsExactly(
            0x0000, 0x8000, 0x3B00, 0x3C60, 0x3C80, 0x3F80, 0x3F90, 0xC000, 0x43E0, 0xC3E0, 0x7FC0,
            0x7FC0);
  }

  @Test
  void blocksMultiplyInFp32AndRoundToBf16() throws IOException {
    // 3 x 4 in blocks of 2 x 3: the last row and the last column have blocks of their own.
    codes(3, 4, 0x38, 0x39, 0x3F, 0x38, 0xB8, 0x00, 0x7E, 0x40, 0x38, 0x40, 0x30, 0x39);
    // 1 + 2^-8 is half way between the bf16 numbers 1 (even) and 1 + 2^-7; times 1.125 it is not.
    f32Scales("a.weight_scale_inv", 2, 2, 1 + 0x1p-8f, 0.5f, 3, 0x1p-130f);
    fixture.file("config.json", BLOCKS_2X3);
    assertThat(read(DType.BF16))
        .containsExactly(
            0x3F80, // 1 * (1 + 2^-8): tie to even
            0x3F91, // 1.125 * (1 + 2^-8) = 1.12939..: nearest is 1.1328125
            0x3FF1, // 1.875 * (1 + 2^-8) = 1.88232..: nearest is 1.8828125
            0x3F00, // 1 * 0.5
            0xBF80, 0x0000, 0x43E1, // 448 * (1 + 2^-8) = 449.75: nearest is 450
            0x3F80, // 2 * 0.5
            0x4040, 0x40C0, 0x3FC0, // 3, 6, 1.5
            0x0009); // 1.125 * 2^-130 = 9 * 2^-133
    assertThat(source().tensors())
        .extracting(tensor -> tensor.entry().name())
        .containsExactly("a.weight", "a.weight_scale_inv");
  }

  @Test
  void rowRangesKeepTheirBlocks() throws IOException {
    codes(3, 2, 0x38, 0x38, 0x38, 0x38, 0x38, 0x38);
    f32Scales("a.weight_scale_inv", 2, 1, 2, 4);
    fixture.file("config.json", BLOCKS_2X3);
    assertThat(read(source().rowRange(1, 3), Sha256.newDigest()))
        .containsExactly(0x4000, 0x4000, 0x4080, 0x4080);
  }

  @Test
  void scaleOfTheWholeTensorGivesItsType() throws IOException {
    codes(2, 2, 0x38, 0x39, 0xC0, 0x7E);
    f32Scales("a.weight_scale", 1, -1, 0.1f);
    WeightSource weight = source();
    assertThat(weight.dtype()).isEqualTo(DType.F32);
    byte[] bytes = CheckpointFixture.readAll(LocalFiles.of(folder), weight, 1, Sha256.newDigest());
    ByteBuffer values = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    assertThat(new float[] {values.getFloat(), values.getFloat(), values.getFloat()})
        .containsExactly(0.1f, 1.125f * 0.1f, -2 * 0.1f);
    assertThat(values.getFloat()).isEqualTo(448 * 0.1f);
  }

  @Test
  void scaleOfEachRowInF16() throws IOException {
    codes(2, 2, 0x39, 0x7E, 0x3F, 0x01);
    // 1 + 2^-10 and 2^-14; F16 [2, 1]
    byte[] scales = {0x01, 0x3C, 0x00, 0x04};
    fixture.tensor("a.weight_scale", DType.F16, List.of(2L, 1L), scales);
    assertThat(read(DType.F16))
        .containsExactly(
            0x3C81, // 1.125 + 1.125 * 2^-10: nearest is 1.125 + 2^-10
            0x5F02, // 448 * (1 + 2^-10) = 448.4375: nearest is 448.5
            0x0780, // 1.875 * 2^-14
            0x0002); // 2^-23
  }

  @Test
  void scaleOfTheWholeTensorMayBeAScalar() throws IOException {
    codes(1, 2, 0x38, 0x40);
    fixture.tensor("a.weight_scale", DType.BF16, List.of(), new byte[] {(byte) 0x40, 0x40});
    assertThat(read(DType.BF16)).containsExactly(0x4040, 0x40C0);
  }

  @Test
  void hashSeesTheScaleThenTheCodes() throws IOException {
    codes(2, 2, 1, 2, 3, 4);
    fixture.tensor("a.weight_scale", DType.BF16, List.of(1L), new byte[] {9, 8});
    MessageDigest digest = Sha256.newDigest();
    read(source(), digest);
    // printf '\x09\x08\x01\x02\x03\x04' | sha256sum
    assertThat(Sha256.hex(digest))
        .isEqualTo("3273c4e48155e8fe9fe43fdbb013818d7c9f76b20c9bd7c9b50d5dfe28fce40d");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "gptq | - | quant_method \"gptq\"",
        "compressed-tensors | pack-quantized"
            + " | quant_method compressed-tensors of format pack-quantized",
        "modelopt | - | quant_method \"modelopt\"",
      })
  void refusesOtherQuantizedSources(String method, String format, String expected)
      throws IOException {
    fixture
        .bf16("a.weight", 2, 2)
        .file(
            "config.json",
            "{\"quantization_config\":{\"quant_method\":\"%s\",\"format\":\"%s\"}}"
                .formatted(method, format));
    refused(folder + "/config.json: the checkpoint is already quantized (" + expected + "); start");
  }

  @Test
  void refusesCheckpointsOfOtherQuantizers() {
    fixture.bf16("a.weight", 2, 2).file("hf_quant_config.json", "{}");
    refused(folder + "/hf_quant_config.json: the checkpoint is already quantized, in a form");
  }

  @Test
  void refusesScalesThatDoNotFit() {
    codes(3, 4, new int[12]);
    f32Scales("a.weight_scale_inv", 1, 2, 1, 1);
    refused("a.weight in model.safetensors: has block scales, but config.json has no");
    fixture.file("config.json", BLOCKS_2X3.replace("[2,3]", "[2,0]"));
    refused("config.json: quantization_config.weight_block_size is \"[2,0]\", not two numbers");
    fixture.file("config.json", BLOCKS_2X3);
    refused(
        "a.weight_scale_inv in model.safetensors: is F32 [1, 2], but the scale of a.weight [3, 4]"
            + " must be F32, F16 or BF16 [2, 2]; start from");
  }

  @Test
  void refusesRowScalesOfAnotherShape() {
    codes(3, 4, new int[12]);
    f32Scales("a.weight_scale", 3, -1, 1, 1, 1);
    refused("a.weight_scale in model.safetensors: is F32 [3], but", "[1] or [3, 1]");
  }

  @Test
  void refusesCodesOfAQuantizedCheckpointWithoutScale() {
    codes(2, 2, 1, 2, 3, 4);
    fixture.file("config.json", BLOCKS_2X3);
    refused("a.weight in model.safetensors: is F8_E4M3 in a quantized checkpoint but has neither");
  }

  @Test
  void refusesWhatIsNoWeight() throws IOException {
    fixture
        .tensor("a.weight", DType.I8, List.of(2L, 2L), new byte[4])
        .tensor("b.weight", DType.F32, List.of(1L), new byte[4])
        .tensor("c.weight", DType.F32, List.of(0L, 4L), new byte[0])
        .bf16("d.weight", 2, 2)
        .bf16("d.weight_scale", 1)
        .write();
    refused("a.weight in model.safetensors: is I8, which is no weight that can be quantized");
    WeightSources sources = new WeightSources(Checkpoint.open(LocalFiles.of(folder)));
    assertThatThrownBy(() -> sources.weight("b.weight"))
        .hasMessage(
            "b.weight in model.safetensors: has shape [1], not 2 axes that are not empty; skip it");
    assertThatThrownBy(() -> sources.weight("c.weight")).hasMessageContaining("has shape [0, 4]");
    assertThatThrownBy(() -> sources.weight("d.weight"))
        .hasMessageContaining(
            "d.weight in model.safetensors: is BF16 but has the scale d.weight_s");
    assertThatThrownBy(() -> sources.weight("e.weight"))
        .isInstanceOf(QuantException.class)
        .hasMessage("e.weight: is not in " + folder + "; check the name");
  }

  private void codes(int rows, int columns, int... codes) {
    byte[] bytes = new byte[codes.length];
    for (int i = 0; i < codes.length; i++) {
      bytes[i] = (byte) codes[i];
    }
    fixture.tensor("a.weight", DType.F8_E4M3, List.of((long) rows, (long) columns), bytes);
  }

  /** {@code columns} -1 for a tensor of one axis. */
  private void f32Scales(String name, int rows, int columns, float... scales) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * scales.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float scale : scales) {
      bytes.putFloat(scale);
    }
    List<Long> shape = columns < 0 ? List.of((long) rows) : List.of((long) rows, (long) columns);
    fixture.tensor(name, DType.F32, shape, bytes.array());
  }

  private WeightSource source() throws IOException {
    fixture.write();
    return new WeightSources(Checkpoint.open(LocalFiles.of(folder))).weight("a.weight");
  }

  private int[] read(DType expected) throws IOException {
    WeightSource weight = source();
    assertThat(weight.dtype()).isEqualTo(expected);
    return read(weight, Sha256.newDigest());
  }

  private int[] read(WeightSource weight, MessageDigest digest) throws IOException {
    byte[] bytes = CheckpointFixture.readAll(LocalFiles.of(folder), weight, 2, digest);
    int[] values = new int[bytes.length / 2];
    for (int i = 0; i < values.length; i++) {
      values[i] = bytes[2 * i] & 0xFF | (bytes[2 * i + 1] & 0xFF) << 8;
    }
    return values;
  }

  private void refused(String... expected) {
    assertThatThrownBy(this::source)
        .isInstanceOf(QuantException.class)
        .hasMessageContainingAll(expected);
  }
}
