package org.sparkao.quant.algorithm;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.quant.golden.GoldenFile;
import org.sparkao.quant.golden.GoldenFile.Tensor;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.pack.PackedPart;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.QuantScheme;
import org.sparkao.quant.scheme.Schemes;

/** Every byte of what llm-compressor's {@code oneshot} saves, see {@code golden/README.md}. */
class TestGoldenSchemes {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "W4A16_G32 | 8DA4W",
        "FP8 | FP8",
        "FP8_BLOCK | FP8_BLOCK",
        "FP8_DYNAMIC | FP8_DYNAMIC",
        "FP8_WEIGHT_ONLY_CHANNEL | FP8_DYNAMIC(format=naive-quantized)",
        "MXFP4 | MXFP4",
        "MXFP4A16 | MXFP4A16",
        "MXFP8 | MXFP8",
        "MXFP8A16 | MXFP8A16",
        "NVFP4 | NVFP4",
        "NVFP4A16 | NVFP4A16",
        "W2A16 | W2A16",
        "W3A16 | W3A16",
        "W3A16_G32 | W3A16(group_size=32)",
        "W4A16 | W4A16",
        "W4A16_ASYM | W4A16_ASYM",
        "W4A16_ASYM_G32 | W4A16_ASYM(group_size=32)",
        "W4A16_CHANNEL | W4A16(group_size=-1)",
        "W4A16_CHANNEL_ASYM | W4A16_ASYM(granularity=row)",
        "W4A16_G32 | W4A16(group_size=32)",
        "W4A8 | W4A8(format=int-quantized)",
        "W4AFP8 | W4AFP8(format=int-quantized)",
        "W4AFP8_PACKED | W4AFP8",
        "W5A16 | W5A16",
        "W6A16 | W6A16",
        "W7A16 | W7A16",
        "W8A16 | W8A16",
        "W8A16_ASYM_G32 | W8A16(group_size=32, symmetric=false)",
        "W8A8 | W8A8",
        "W8A8_ASYM | W8A8(symmetric=false)",
        "W8_TENSOR | W8A16(granularity=tensor)",
      })
  void everyByte(String folder, String scheme) throws IOException {
    Path root = GoldenFile.folder().resolve("schemes");
    Map<String, Tensor> input = GoldenFile.read(root.resolve("input.safetensors"));
    Path same = root.resolve(folder).resolve("SAME_AS.json");
    Path file = root.resolve(folder).resolve("expected.safetensors");
    Set<String> skipped = new HashSet<>();
    if (Files.exists(same)) {
      JsonNode json = new ObjectMapper().readTree(same.toFile());
      file = root.resolve(folder).resolve(json.get("expected.safetensors").textValue());
      json.get("tensors_not_written_by_this_preset").forEach(name -> skipped.add(name.textValue()));
    }
    Map<String, Tensor> expected = GoldenFile.read(file);
    expected.keySet().removeIf(name -> skipped.contains(name) || isGivenByCalibration(name));
    Map<String, Tensor> actual = new TreeMap<>();
    for (String name : input.keySet()) {
      String module = name.substring(0, name.length() - ".weight".length());
      if (expected.keySet().stream().anyMatch(key -> key.startsWith(module + "."))) {
        actual.putAll(quantized(module, Schemes.parse(scheme), input.get(name)));
      }
    }
    assertThat(actual.keySet()).containsExactlyInAnyOrderElementsOf(expected.keySet());
    for (Map.Entry<String, Tensor> entry : expected.entrySet()) {
      Tensor tensor = actual.get(entry.getKey());
      assertThat(tensor.dtype()).as(entry.getKey()).isEqualTo(entry.getValue().dtype());
      assertThat(tensor.shape()).as(entry.getKey()).isEqualTo(entry.getValue().shape());
      assertThat(tensor.bytes()).as(entry.getKey()).isEqualTo(entry.getValue().bytes());
    }
  }

  private static boolean isGivenByCalibration(String name) {
    return name.endsWith(".input_scale") || name.endsWith(".input_global_scale");
  }

  private static Map<String, Tensor> quantized(String module, QuantScheme scheme, Tensor weight) {
    WeightSpec spec = new WeightSpec(weight.shape().get(0), weight.shape().get(1), weight.dtype());
    QuantizeRequest request =
        new QuantizeRequest(
            scheme,
            CheckpointLayout.COMPRESSED_TENSORS,
            Numerics.COMPRESSED_TENSORS,
            WeightAlgorithm.RTN,
            spec);
    TensorQuantizer quantizer = Quantizers.create(request, Optional.of(range(weight)));
    List<PackedPart> parts = Quantizers.parts(request);
    byte[][] out = new byte[parts.size()][];
    for (int i = 0; i < out.length; i++) {
      out[i] = new byte[(int) parts.get(i).bytes()];
    }
    quantizer.quantize(weight.bytes(), 0, 0, (int) spec.rows(), out);
    Map<String, Tensor> tensors = new TreeMap<>();
    for (int i = 0; i < out.length; i++) {
      PackedPart part = parts.get(i);
      tensors.put(module + "." + part.suffix(), new Tensor(part.dtype(), part.shape(), out[i]));
    }
    return tensors;
  }

  private static TensorRange range(Tensor weight) {
    int count = (int) (weight.shape().get(0) * weight.shape().get(1));
    return Quantizers.range(weight.bytes(), 0, count, weight.dtype());
  }
}
