package org.sparkao.jobs.train.run;

import java.io.Serializable;
import java.util.HashMap;
import java.util.Map;
import org.sparkao.jobs.evaluate.run.ModelRequest;
import org.sparkao.jobs.quantize.run.Planned;
import org.sparkao.jobs.train.plan.TrainOptions;
import org.sparkao.quant.safetensors.DType;

/**
 * What all tasks are told.
 *
 * @param model what is trained
 * @param teacher whose outputs are learned; {@code model} again where there is no other
 * @param output folder
 * @param options of the training
 * @param schemes names of schemes, by module
 * @param stored type of the quantized weights
 * @param scales folder of the file that learned scales begin with; without a location they begin
 *     with those of the weights
 * @param saveEvery steps between states
 */
record TrainSettings(
    ModelRequest model,
    ModelRequest teacher,
    String output,
    TrainOptions options,
    Map<String, String> schemes,
    DType stored,
    Planned scales,
    int saveEvery)
    implements Serializable {
  TrainSettings {
    schemes = new HashMap<>(schemes);
  }
}
