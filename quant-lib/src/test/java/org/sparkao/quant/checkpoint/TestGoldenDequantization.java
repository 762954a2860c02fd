package org.sparkao.quant.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.safetensors.Sha256;

/** F8_E4M3 with scales, against what compressed-tensors 0.18 decompresses. */
final class TestGoldenDequantization {
  @ParameterizedTest
  @CsvSource({
    "FP8, onesided_64x256.weight, BF16",
    "FP8, f16_normal_64x256.weight, F16",
    "FP8_DYNAMIC, onesided_64x256.weight, BF16",
    "FP8_DYNAMIC, f16_normal_64x256.weight, F16",
  })
  void equalsTheReferenceLibrary(String preset, String name, DType dtype) throws IOException {
    Path folder =
        Path.of(System.getProperty("sparkao.shared", "shared"), "golden", "schemes", preset);
    assumeTrue(Files.isDirectory(folder), () -> folder + " is absent");

    assertThat(read(folder, "expected.safetensors", name, dtype))
        .isEqualTo(read(folder, "decompressed.safetensors", name, dtype));
  }

  private static byte[] read(Path folder, String file, String name, DType dtype)
      throws IOException {
    LocalFiles files = LocalFiles.of(folder);
    WeightSource weight = new WeightSources(Checkpoint.openFile(files, file)).weight(name);
    assertThat(weight.dtype()).isEqualTo(dtype);
    return CheckpointFixture.readAll(files, weight, 7, Sha256.newDigest());
  }
}
