package org.sparkao.gpu.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.algorithm.WeightSpec;
import org.sparkao.quant.checkpoint.CheckpointTensor;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.Schemes;

class TestHostDequantizer {
  @TempDir private Path folder;

  static List<String> golden() {
    return GoldenCheckpoint.foldersWith("decompressed.safetensors");
  }

  /** What compressed-tensors decompresses its own files to, read here by name and config alone. */
  @ParameterizedTest(allowZeroInvocations = true)
  @MethodSource("golden")
  void equalsTheDecompressorOfCompressedTensors(String scheme) throws IOException {
    Path source = GoldenCheckpoint.root().resolve(scheme);
    String config = Files.readString(source.resolve("quantization_config.json"));
    GoldenCheckpoint golden =
        GoldenCheckpoint.of(
            folder,
            source.resolve("expected.safetensors"),
            "{\"quantization_config\": " + config + "}");
    Path other = Files.createDirectory(folder.resolve("decompressed"));
    GoldenCheckpoint decompressed =
        GoldenCheckpoint.of(other, source.resolve("decompressed.safetensors"), "{}");
    for (CheckpointTensor tensor : decompressed.checkpoint().tensors()) {
      String name = tensor.entry().name();
      int n = (int) tensor.entry().dimension(0);
      int k = (int) tensor.entry().dimension(1);
      String module = name.substring(0, name.length() - ".weight".length());
      HostDequantizer weight = HostDequantizer.of(golden.weights().linear(module, n, k));
      WeightType type = WeightType.valueOf(tensor.entry().dtype().name());
      float[] expected = new float[n * k];
      byte[] bytes = decompressed.bytes(name);
      for (int i = 0; i < expected.length; i++) {
        expected[i] = type.read(bytes, i * type.bytes());
      }
      assertThat(slices(weight, n, k, 7)).as(name).isEqualTo(expected);
      ByteBuffer bf16 = ByteBuffer.allocate(2 * n * k);
      weight.bf16(0, n, bf16);
      if (type == WeightType.BF16) {
        assertThat(bf16.array()).as(name).isEqualTo(bytes);
      }
    }
  }

  private static float[] slices(HostDequantizer weight, int n, int k, int step) {
    float[] all = new float[n * k];
    for (int row = 0; row < n; row += step) {
      weight.floats(row, Math.min(step, n - row), all, row * k);
    }
    return all;
  }

  /** Codes 1 and -2, 3 and -1 under scales 0.5 and 2, zero points 1 and -1: by hand. */
  @Test
  void subtractsZeroPointsAndMultiplies() {
    QuantizeRequest request =
        new QuantizeRequest(
            Schemes.parse("W8A8(symmetric=false)"),
            CheckpointLayout.COMPRESSED_TENSORS,
            Numerics.COMPRESSED_TENSORS,
            WeightAlgorithm.RTN,
            new WeightSpec(2, 2, DType.F32));
    LinearWeight weight =
        new LinearWeight(
            "m",
            2,
            2,
            new LinearWeight.Quantized(
                request,
                List.of(
                    tensor(DType.I8, List.of(2L, 2L), 1, -2, 3, -1),
                    tensor(DType.F32, List.of(2L, 1L), 0, 0, 0, 0x3F, 0, 0, 0, 0x40),
                    tensor(DType.I8, List.of(2L, 1L), 1, -1)),
                List.of()),
            Optional.empty());
    assertThat(slices(HostDequantizer.of(weight), 2, 2, 1)).containsExactly(0f, -1.5f, 8f, 0f);
  }

  @Test
  void readsPlainWeightsOfEveryType() {
    // 1.5 and -2 as BF16, F16 and F32; F32 1 + 2^-9 is no BF16, and 1 is the nearest.
    assertRow(tensor(DType.BF16, List.of(1L, 2L), 0xC0, 0x3F, 0x00, 0xC0), 1.5f, -2f);
    assertRow(tensor(DType.F16, List.of(1L, 2L), 0x00, 0x3E, 0x00, 0xC0), 1.5f, -2f);
    StoredTensor floats = tensor(DType.F32, List.of(1L, 2L), 0, 0x40, 0x80, 0x3F, 0, 0, 0, 0xC0);
    assertRow(floats, 1.001953125f, -2f);
    ByteBuffer bf16 = ByteBuffer.allocate(4);
    HostDequantizer.of(plain(floats)).bf16(0, 1, bf16);
    assertThat(bf16.array()).containsExactly(0x80, 0x3F, 0x00, 0xC0);
  }

  private static void assertRow(StoredTensor tensor, float... expected) {
    assertThat(slices(HostDequantizer.of(plain(tensor)), 1, 2, 1)).containsExactly(expected);
  }

  @Test
  void refusesRowsThatAreNotThere() {
    HostDequantizer weight =
        HostDequantizer.of(plain(tensor(DType.BF16, List.of(1L, 2L), 0, 0, 0, 0)));
    assertThatThrownBy(() -> weight.floats(0, 2, new float[4], 0))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  private static LinearWeight plain(StoredTensor values) {
    return new LinearWeight("m", 1, 2, new LinearWeight.Plain(values), Optional.empty());
  }

  private static StoredTensor tensor(DType dtype, List<Long> shape, int... bytes) {
    byte[] content = new byte[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      content[i] = (byte) bytes[i];
    }
    return new StoredTensor(
        "t", dtype, shape, () -> ByteBuffer.wrap(content.clone()).order(ByteOrder.LITTLE_ENDIAN));
  }
}
