package org.sparkao.quant.checkpoint;

import java.util.Optional;
import java.util.Set;

/** The file names that mean something in a checkpoint's folder. */
final class CheckpointNames {
  static final String CONFIG = "config.json";
  static final String SUFFIX = ".safetensors";

  /** What names of weights begin with in checkpoints of transformers. */
  static final String TRANSFORMERS = "model";

  /** The same in components of a pipeline of diffusers. */
  static final String DIFFUSERS = "diffusion_pytorch_model";

  /** The only file of weights. */
  static String single(String stem) {
    return stem + SUFFIX;
  }

  /** The index of several. */
  static String index(String stem) {
    return stem + SUFFIX + ".index.json";
  }

  /** Weights in other forms: copying them would carry the unquantized model along. */
  private static final Set<String> OTHER_WEIGHTS =
      Set.of("bin", "pt", "pth", "ckpt", "gguf", "ggml", "h5", "msgpack", "onnx", "ot", "npz");

  /** Where ModelOpt, AutoGPTQ and AutoAWQ describe themselves. */
  static final Set<String> FOREIGN_CONFIGS =
      Set.of("hf_quant_config.json", "quantize_config.json", "quant_config.json");

  private CheckpointNames() {}

  static boolean isShard(String name) {
    return name.endsWith(SUFFIX);
  }

  /** Why a file that is no part of the checkpoint is not copied; empty when it is. */
  static Optional<String> skipReason(String name) {
    if (isShard(name)) {
      return Optional.of("no shard of this checkpoint");
    }
    if (name.startsWith(".")) {
      return Optional.of("hidden files are not copied");
    }
    if (name.endsWith(".index.json")
        || OTHER_WEIGHTS.contains(name.substring(name.lastIndexOf('.') + 1))) {
      return Optional.of("weights in another form");
    }
    return Optional.empty();
  }

  /** Whether this names a file in the folder and nothing outside or below it. */
  static boolean isPlain(String name) {
    return !name.isEmpty()
        && !name.equals(".")
        && !name.equals("..")
        && name.indexOf('/') < 0
        && name.indexOf('\\') < 0
        && name.chars().noneMatch(Character::isISOControl);
  }

  /** Whether a tensor's name is harmless as text and as part of a path. */
  static boolean isTensorName(String name) {
    return !name.isEmpty()
        && !name.startsWith("/")
        && name.indexOf('\\') < 0
        && name.chars().noneMatch(Character::isISOControl)
        && !("/" + name + "/").contains("/../");
  }

  /** A name that came from a file, fit for a terminal. */
  static String printable(String name) {
    String shown = name.length() <= 200 ? name : name.substring(0, 200) + "...";
    return '"' + shown.replaceAll("\\p{Cntrl}", "?") + '"';
  }
}
