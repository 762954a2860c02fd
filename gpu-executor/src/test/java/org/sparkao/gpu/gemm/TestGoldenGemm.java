package org.sparkao.gpu.gemm;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.sparkao.quant.safetensors.FileSource;
import org.sparkao.quant.safetensors.SafetensorsHeader;
import org.sparkao.quant.safetensors.TensorEntry;

/**
 * The reference against PyTorch: torchao's int8 linear layer with activations that are quantized a
 * row at a time, see {@code golden/README.md} in the folder that {@code sparkao.shared} names.
 */
class TestGoldenGemm {
  private static final int N = 64;
  private static final int K = 256;
  private static final int M = 4;
  private static final String MODULE = "f32_normal_64x256.";

  @Test
  void multipliesAsTorchaoDoes() throws IOException {
    String shared = System.getProperty("sparkao.shared");
    Path golden = Path.of(shared == null ? "" : shared, "golden");
    Path expected = golden.resolve("torchao/int8dyn_sym.safetensors");
    Assumptions.assumeTrue(Files.exists(expected), "no golden vectors");
    double[] x = floats(golden.resolve("schemes/activations.safetensors"), MODULE + "batch1");
    byte[] codes = new byte[M * K];
    float[] scales = new float[M];
    for (int row = 0; row < M; row++) {
      double largest = 0;
      for (int i = 0; i < K; i++) {
        largest = Math.max(largest, Math.abs(x[row * K + i]));
      }
      scales[row] = (float) (largest / 127.5);
      for (int i = 0; i < K; i++) {
        long code = Math.round(Math.rint(x[row * K + i] / scales[row]));
        codes[row * K + i] = (byte) Math.max(-128, Math.min(127, code));
      }
    }
    Gemm gemm =
        Gemm.of("torchao", N, K, DenseOperands.int8(Scaling.ROW, Scaling.ROW), ElementType.FP32);
    DecodeGemm decode = new ReferenceDecodeGemm();
    try (GemmDevice on = GemmDevice.cpu();
        GemmDevice.Guarded y = on.guarded(gemm.bytesOfY(M));
        GemmWeights weights =
            decode.prepare(
                gemm,
                WeightMatrix.of(
                    on.bytes(read(expected, MODULE + "qdata")),
                    on.bytes(read(expected, MODULE + "scale"))))) {
      decode.multiply(weights, GemmCall.of(M, on.bytes(codes), on.floats(scales), y.buffer()));
      // A code of X that lies half-way may be its neighbour there.
      GemmTolerance.assertWithin(
          1e-3, GemmData.decode(ElementType.FP32, y.read()), floats(expected, MODULE + "y"));
    }
  }

  private static double[] floats(Path file, String tensor) throws IOException {
    return GemmData.decode(ElementType.FP32, read(file, tensor));
  }

  private static byte[] read(Path file, String tensor) throws IOException {
    try (FileSource source = FileSource.open(file)) {
      for (TensorEntry entry : SafetensorsHeader.read(source).entries()) {
        if (entry.name().equals(tensor)) {
          byte[] bytes = new byte[(int) entry.bytes()];
          source.readFully(entry.begin(), bytes, 0, bytes.length);
          return bytes;
        }
      }
    }
    assertThat(tensor).as("a tensor of %s", file).isNull();
    return new byte[0];
  }
}
