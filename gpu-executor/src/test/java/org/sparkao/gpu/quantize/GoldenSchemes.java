package org.sparkao.gpu.quantize;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.algorithm.WeightSpec;
import org.sparkao.quant.safetensors.FileSource;
import org.sparkao.quant.safetensors.SafetensorsHeader;
import org.sparkao.quant.safetensors.TensorEntry;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.Schemes;

/**
 * Golden vectors of llm-compressor, see {@code golden/README.md} in the folder that the property
 * {@code sparkao.shared} names; no cases without it.
 */
final class GoldenSchemes {
  private static final Map<String, String> SCHEMES = schemes();

  private GoldenSchemes() {}

  /** One weight under one scheme. */
  record Case(String name, QuantizeRequest request, byte[] weights, Map<String, byte[]> parts) {
    /** The bytes of a part. */
    byte[] expected(String suffix) {
      return parts.get(suffix);
    }

    @Override
    public String toString() {
      return name;
    }
  }

  private record Tensor(TensorEntry entry, byte[] bytes) {}

  static List<Case> cases() {
    String shared = System.getProperty("sparkao.shared");
    Path root = Path.of(shared == null ? "" : shared, "golden", "schemes");
    List<Case> cases = new ArrayList<>();
    if (shared == null || !Files.isDirectory(root)) {
      return cases;
    }
    Map<String, Tensor> input = read(root.resolve("input.safetensors"));
    SCHEMES.forEach(
        (folder, scheme) -> {
          Path file = root.resolve(folder).resolve("expected.safetensors");
          if (Files.exists(file)) {
            addCases(folder, scheme, input, read(file), cases);
          }
        });
    return cases;
  }

  private static void addCases(
      String folder,
      String scheme,
      Map<String, Tensor> input,
      Map<String, Tensor> expected,
      List<Case> cases) {
    input.forEach(
        (name, weight) -> {
          String module = name.substring(0, name.length() - "weight".length());
          QuantizeRequest request =
              new QuantizeRequest(
                  Schemes.parse(scheme),
                  CheckpointLayout.COMPRESSED_TENSORS,
                  Numerics.COMPRESSED_TENSORS,
                  WeightAlgorithm.RTN,
                  new WeightSpec(
                      weight.entry.dimension(0), weight.entry.dimension(1), weight.entry.dtype()));
          if (expected.keySet().stream().noneMatch(key -> key.startsWith(module))) {
            return;
          }
          Map<String, byte[]> parts = new LinkedHashMap<>();
          Quantizers.parts(request)
              .forEach(
                  part -> parts.put(part.suffix(), expected.get(module + part.suffix()).bytes()));
          cases.add(new Case(folder + "/" + module, request, weight.bytes(), parts));
        });
  }

  private static Map<String, Tensor> read(Path file) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    try (FileSource source = FileSource.open(file)) {
      for (TensorEntry entry : SafetensorsHeader.read(source).entries()) {
        byte[] bytes = new byte[(int) entry.bytes()];
        source.readFully(entry.begin(), bytes, 0, bytes.length);
        tensors.put(entry.name(), new Tensor(entry, bytes));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return tensors;
  }

  /** Folder to scheme, where a folder has its own expected.safetensors. */
  private static Map<String, String> schemes() {
    Map<String, String> map = new LinkedHashMap<>();
    for (String same :
        List.of(
            "FP8",
            "FP8_BLOCK",
            "FP8_DYNAMIC",
            "MXFP4",
            "MXFP8",
            "NVFP4",
            "W2A16",
            "W3A16",
            "W4A16",
            "W4A16_ASYM",
            "W5A16",
            "W6A16",
            "W7A16",
            "W8A16",
            "W8A8")) {
      map.put(same, same);
    }
    map.put("W3A16_G32", "W3A16(group_size=32)");
    map.put("W4A16_ASYM_G32", "W4A16_ASYM(group_size=32)");
    map.put("W4A16_CHANNEL", "W4A16(group_size=-1)");
    map.put("W4A16_CHANNEL_ASYM", "W4A16_ASYM(granularity=row)");
    map.put("W4A16_G32", "W4A16(group_size=32)");
    map.put("W4A8", "W4A8(format=int-quantized)");
    map.put("W4AFP8", "W4AFP8(format=int-quantized)");
    map.put("W8A16_ASYM_G32", "W8A16(group_size=32, symmetric=false)");
    map.put("W8A8_ASYM", "W8A8(symmetric=false)");
    map.put("W8_TENSOR", "W8A16(granularity=tensor)");
    return map;
  }
}
