package org.sparkao.jobs.quantize.plan;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparkao.jobs.quantize.plan.TensorTask.Copy;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.CheckpointTensor;
import org.sparkao.quant.scheme.QuantArgs;
import org.sparkao.quant.scheme.QuantScheme;

/** Scales of the inputs of linear layers, which only activations can tell: taken as given. */
final class InputScales {
  private static final int SHOWN = 10;

  private final Optional<Checkpoint> calibration;

  InputScales(Optional<Checkpoint> calibration) {
    this.calibration = calibration;
  }

  /** Copies of the scales that the modules need. */
  Map<String, Copy> copies(Map<String, QuantScheme> schemes) {
    Map<String, Copy> copies = new HashMap<>();
    List<String> missing = new ArrayList<>();
    schemes.forEach(
        (module, scheme) -> {
          if (!scheme.needsInputScales()) {
            return;
          }
          String name = module + "." + suffix(scheme);
          Checkpoint given = calibration.orElseThrow(() -> uncalibrated(scheme, module));
          Optional<CheckpointTensor> tensor = given.tensor(name);
          if (tensor.isEmpty()) {
            missing.add(name);
          } else {
            copies.put(module, copy(given, tensor.orElseThrow(), module));
          }
        });
    if (!missing.isEmpty()) {
      throw new QuantException(
          calibration.orElseThrow().location()
              + ": lacks "
              + missing.size()
              + " input scales: "
              + String.join(", ", missing.subList(0, Math.min(SHOWN, missing.size())))
              + (missing.size() > SHOWN ? ", ..." : "")
              + "; calibrate these modules too, or skip them");
    }
    return copies;
  }

  private static String suffix(QuantScheme scheme) {
    return scheme.activations().orElseThrow().scale() == QuantArgs.ScaleKind.E4M3_WITH_GLOBAL
        ? "input_global_scale"
        : "input_scale";
  }

  private static QuantException uncalibrated(QuantScheme scheme, String module) {
    return new QuantException(
        module
            + ": scheme "
            + scheme.name()
            + " needs the scale of its inputs, which only"
            + " activations tell: give them with --calibration FILE, a safetensors file with a"
            + " tensor "
            + module
            + "."
            + suffix(scheme)
            + " and so on, or use a scheme with"
            + " dynamic inputs such as FP8_DYNAMIC or NVFP4A16");
  }

  private static Copy copy(Checkpoint given, CheckpointTensor tensor, String module) {
    if (tensor.entry().elements() != 1) {
      throw new QuantException(
          tensor.entry().name()
              + " in "
              + given.location()
              + "/"
              + tensor.file()
              + ": has shape "
              + tensor.entry().shape()
              + "; an input scale is one number, shape [1]");
    }
    return new Copy(tensor, Copy.Origin.CALIBRATION, module, "given by --calibration");
  }
}
