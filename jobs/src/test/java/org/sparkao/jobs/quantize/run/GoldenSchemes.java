package org.sparkao.jobs.quantize.run;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Which scheme, as a user writes it, each folder of {@code golden/schemes} was made with. */
final class GoldenSchemes {
  private static final Map<String, String> NAMES = names();

  private GoldenSchemes() {}

  private static Map<String, String> names() {
    Map<String, String> names = new TreeMap<>();
    for (String same :
        new String[] {
          "FP8",
          "FP8_BLOCK",
          "FP8_DYNAMIC",
          "MXFP4",
          "MXFP4A16",
          "MXFP8",
          "MXFP8A16",
          "NVFP4",
          "NVFP4A16",
          "W2A16",
          "W3A16",
          "W4A16",
          "W4A16_ASYM",
          "W5A16",
          "W6A16",
          "W7A16",
          "W8A16",
          "W8A8"
        }) {
      names.put(same, same);
    }
    names.put("FP8_WEIGHT_ONLY_CHANNEL", "FP8A16");
    names.put("W3A16_G32", "W3A16(group_size=32)");
    names.put("W4A16_ASYM_G32", "W4A16_ASYM(group_size=32)");
    names.put("W4A16_CHANNEL", "W4A16(group_size=-1)");
    names.put("W4A16_CHANNEL_ASYM", "W4A16_ASYM(group_size=-1)");
    names.put("W4A16_G32", "W4A16(group_size=32)");
    names.put("W4A8", "W4A8(format=int-quantized)");
    names.put("W4AFP8", "W4AFP8(format=int-quantized)");
    names.put("W4AFP8_PACKED", "W4AFP8");
    names.put("W8A16_ASYM_G32", "W8A16(symmetric=false, group_size=32)");
    names.put("W8A8_ASYM", "W8A8(symmetric=false)");
    names.put("W8_TENSOR", "W8A16(granularity=tensor)");
    return names;
  }

  static Map<String, String> all() {
    return NAMES;
  }

  /** The folder {@code golden/schemes}, when this machine has it. */
  static Optional<Path> folder() {
    Path folder = Path.of(System.getProperty("sparkao.shared", "none"), "golden", "schemes");
    return Files.isDirectory(folder) ? Optional.of(folder) : Optional.empty();
  }

  /** The file that a preset's output must equal. */
  static Path expected(Path folder, String preset) throws IOException {
    Path own = folder.resolve(preset).resolve("expected.safetensors");
    if (Files.exists(own)) {
      return own;
    }
    String same = Files.readString(folder.resolve(preset).resolve("SAME_AS.json"));
    String other = same.replaceAll("(?s).*\"expected.safetensors\": \"([^\"]+)\".*", "$1");
    return folder.resolve(preset).resolve(other).normalize();
  }
}
