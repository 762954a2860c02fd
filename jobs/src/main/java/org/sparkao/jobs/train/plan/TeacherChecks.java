package org.sparkao.jobs.train.plan;

import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparkao.gpu.model.LanguageModels;
import org.sparkao.gpu.model.ModelConfig;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.checkpoint.Checkpoint;

/** Refuses a teacher whose outputs are not those of the model that learns. */
final class TeacherChecks {
  private static final List<String> TOKENIZERS = List.of("tokenizer.json", "tokenizer.model");

  private final String location;
  private final Folder folder;
  private final ModelConfig model;

  /** Of a model that learns; its folder is one that headers were read from. */
  TeacherChecks(Folder folder, ModelConfig model) {
    this.location = folder.location();
    this.folder = folder;
    this.model = model;
  }

  /**
   * Reads headers, and the files of tokenizers.
   *
   * @throws QuantException saying what differs
   */
  void require(Checkpoint teacher, Storage storage) throws IOException {
    if (teacher.quantizationConfig().isPresent()) {
      throw new QuantException(
          "--teacher "
              + teacher.location()
              + ": is quantized (quantization_config in config.json); give the full-precision"
              + " checkpoint");
    }
    Folder files = storage.folder(teacher.location());
    Map<String, Object> other = shapes(LanguageModels.inspect(teacher, files));
    shapes(model)
        .forEach(
            (what, own) -> {
              if (!own.equals(other.get(what))) {
                throw new QuantException(
                    "--teacher "
                        + teacher.location()
                        + ": its "
                        + what
                        + " is "
                        + other.get(what)
                        + ", that of "
                        + location
                        + " is "
                        + own
                        + "; give the checkpoint that this one was made of, or one of its shape");
              }
            });
    requireSameTokens(files);
  }

  private static Map<String, Object> shapes(ModelConfig config) {
    Map<String, Object> shapes = new LinkedHashMap<>();
    shapes.put("architecture", config.architecture());
    shapes.put("vocabulary", config.sizes().vocabulary());
    shapes.put("hidden size", config.sizes().hidden());
    shapes.put("intermediate size", config.sizes().intermediate());
    shapes.put("number of layers", config.sizes().layers());
    shapes.put("context", config.sizes().context());
    shapes.put("attention", config.heads());
    shapes.put("rotation of positions", config.rope());
    shapes.put("epsilon of norms", config.normEpsilon());
    shapes.put("set of biases, norms and ties", config.traits());
    shapes.put("mixture of experts", config.experts());
    return shapes;
  }

  /** Texts become tokens once. */
  private void requireSameTokens(Folder files) throws IOException {
    for (String name : TOKENIZERS) {
      if (folder.size(name).isEmpty()) {
        continue;
      }
      if (files.size(name).isEmpty() || !Arrays.equals(files.read(name), folder.read(name))) {
        throw new QuantException(
            "--teacher "
                + files.location()
                + ": its "
                + name
                + (files.size(name).isEmpty() ? " is missing" : " is not that of " + location)
                + "; both have to read the same tokens, give a checkpoint with the same file");
      }
      return;
    }
  }
}
