package org.sparkao.quant.calibrated;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.RangeChoice;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.algorithm.WeightSpec;
import org.sparkao.quant.calibrated.Gptq.GptqQuantizer;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.golden.GoldenFile;
import org.sparkao.quant.golden.GoldenFile.Tensor;
import org.sparkao.quant.pack.PackedPart;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.Schemes;

/** GPTQ of llm-compressor: 1 % of the codes may differ if the loss agrees to 1e-3. */
class TestGoldenGptq {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "int4_g32_none | W4A16(group_size=32) | NONE",
        "int4_g32_none_bs32 | W4A16(group_size=32) | NONE",
        "int4_g32_none_bf16 | W4A16(group_size=32) | NONE",
        "int4_g32_static | W4A16(group_size=32) | STATIC",
        "int4_g32_static_bf16 | W4A16(group_size=32) | STATIC",
        "int4_g32_group | W4A16(group_size=32) | GROUP",
        "int4_g32_asym_static | W4A16_ASYM(group_size=32) | STATIC",
        "int8_channel_none | W8A16(granularity=row) | NONE",
        "fp8_channel_none | FP8_DYNAMIC | NONE",
      })
  void codesScalesAndLoss(String name, String scheme, ActOrder order) throws Exception {
    Path folder = GoldenFile.folder().resolve("algorithms");
    Map<String, Tensor> file = GoldenFile.read(folder.resolve("gptq.safetensors"));
    double loss =
        new ObjectMapper()
            .readTree(folder.resolve("gptq.json").toFile())
            .get(name)
            .get("loss")
            .doubleValue();
    Map<String, byte[]> parts = new TreeMap<>();
    GptqQuantizer quantizer = quantize(file, name, scheme, order, parts);
    assertThat(quantizer.loss()).isCloseTo(loss, within(1e-3 * loss));
    String prefix = name + ".compressed.";
    parts.forEach(
        (suffix, bytes) -> {
          byte[] expected = file.get(prefix + suffix).bytes();
          if (suffix.equals("weight_packed") || suffix.equals("weight")) {
            assertThat(bytes).hasSameSizeAs(expected);
            assertThat(different(bytes, expected)).isLessThanOrEqualTo(8192 / 100);
          } else {
            assertThat(bytes).as(suffix).isEqualTo(expected);
          }
        });
    assertThat(file.keySet().stream().filter(key -> key.startsWith(prefix)).count())
        .isEqualTo(parts.size());
  }

  private static GptqQuantizer quantize(
      Map<String, Tensor> file,
      String name,
      String scheme,
      ActOrder order,
      Map<String, byte[]> parts) {
    byte[] weights = file.get("weight").bytes();
    DType type = name.endsWith("bf16") ? DType.BF16 : DType.F32;
    if (type == DType.BF16) {
      weights = rounded(weights);
    }
    FloatBuffer hessian =
        ByteBuffer.wrap(file.get("hessian").bytes()).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
    float[] h = new float[hessian.remaining()];
    hessian.get(h);
    QuantizeRequest request =
        new QuantizeRequest(
            Schemes.parse(scheme),
            CheckpointLayout.COMPRESSED_TENSORS,
            Numerics.COMPRESSED_TENSORS,
            WeightAlgorithm.RTN,
            new WeightSpec(64, 128, type));
    Gptq gptq = new CpuGptq();
    try (Gptq.Prepared prepared =
        gptq.prepare(
            SecondMoments.of(h, 128), new GptqOptions(order, GptqOptions.DEFAULT_DAMPING))) {
      assertThat(prepared.report()).isEqualTo(new GptqReport(0.01, 1, false));
      GptqQuantizer quantizer = gptq.quantizer(request, RangeChoice.of(Optional.empty()), prepared);
      byte[][] out = new byte[quantizer.parts().size()][];
      for (int i = 0; i < out.length; i++) {
        PackedPart part = quantizer.parts().get(i);
        out[i] = new byte[Math.toIntExact(part.bytes())];
        parts.put(part.suffix(), out[i]);
      }
      quantizer.quantize(weights, 0, 0, 64, out);
      return quantizer;
    }
  }

  private static byte[] rounded(byte[] f32) {
    byte[] out = new byte[f32.length / 2];
    for (int i = 0; i < f32.length / 4; i++) {
      WeightType.BF16.write(WeightType.BF16.round(WeightType.F32.read(f32, 4 * i)), out, 2 * i);
    }
    return out;
  }

  /** Bytes that differ: at least half as many as codes do. */
  private static int different(byte[] a, byte[] b) {
    int count = 0;
    for (int i = 0; i < a.length; i++) {
      count += a[i] == b[i] ? 0 : 1;
    }
    return count;
  }
}
