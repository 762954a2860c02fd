package org.sparkao.jobs.calibrate.plan;

import java.io.IOException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.sparkao.gpu.model.BlockInputs;
import org.sparkao.gpu.model.BlockRunner;
import org.sparkao.gpu.model.LanguageModels;
import org.sparkao.gpu.model.ModelConfig;
import org.sparkao.jobs.quantize.plan.GivenFiles;
import org.sparkao.jobs.quantize.plan.QuantizePlanner;
import org.sparkao.jobs.quantize.plan.Recipe;
import org.sparkao.jobs.quantize.plan.TensorTask.Quantize;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.observe.InputObserver.Products;

/** Makes the plan. */
public final class CalibratePlanner {
  /** Of a square matrix in one array. */
  private static final int MOST_COLUMNS = 46_340;

  private final Checkpoint checkpoint;
  private final Storage storage;
  private final ModelConfig model;
  private final List<BlockInputs> blocks;

  /**
   * A planner; reads headers.
   *
   * @throws QuantException for a model that is not run
   */
  public CalibratePlanner(Checkpoint checkpoint, Storage storage) throws IOException {
    this.checkpoint = checkpoint;
    this.storage = storage;
    this.model = LanguageModels.inspect(checkpoint, storage.folder(checkpoint.location()));
    this.blocks = BlockRunner.inspect(checkpoint, storage.folder(checkpoint.location()));
  }

  /** What the headers say. */
  public ModelConfig model() {
    return model;
  }

  /**
   * Reads the text.
   *
   * @throws QuantException when it does not suffice, or a sequence is longer than the context
   */
  public CalibrationPlan plan(CalibrationText text, String data, CalibrateOptions options)
      throws IOException {
    int context = model.sizes().context();
    if (options.sequenceLength() > context) {
      throw new QuantException(
          "--sequence-length "
              + options.sequenceLength()
              + ": the model's context is "
              + context
              + " (max_position_embeddings in config.json)");
    }
    if (options.products() == Products.SUMMED) {
      requireHessians();
    }
    List<int[]> sequences = text.read(storage, data, options.samples(), options.sequenceLength());
    return new CalibrationPlan(
        model, checkpoint.totalBytes(), blocks, sequences, TokenHash.of(sequences), options);
  }

  /**
   * What becomes of the linear layers when they are quantized on the way.
   *
   * @param recipe of gptq
   * @throws QuantException for what {@code quantize} refuses, and layers that no block has
   */
  public Sequential sequential(Recipe recipe) {
    if (checkpoint.quantizationConfig().isPresent()) {
      throw new QuantException(
          checkpoint.location()
              + ": is quantized already (quantization_config in config.json), and --sequential"
              + " quantizes the full-precision checkpoint");
    }
    Set<String> known = new HashSet<>();
    blocks.forEach(block -> block.inputs().forEach(input -> known.addAll(input.modules())));
    Map<String, Quantize> weights = new HashMap<>();
    for (Quantize weight : new QuantizePlanner(recipe, GivenFiles.NONE).weights(checkpoint)) {
      if (!known.contains(weight.module())) {
        throw new QuantException(
            weight.module()
                + ": is none of the layers of the blocks, which --sequential quantizes; --skip it");
      }
      weights.put(weight.module(), weight);
    }
    return new Sequential(recipe.arithmetic(), weights);
  }

  private void requireHessians() {
    for (BlockInputs block : blocks) {
      for (BlockInputs.Input input : block.inputs()) {
        if (input.columns() > MOST_COLUMNS) {
          throw new QuantException(
              input.name()
                  + ": has "
                  + input.columns()
                  + " input channels, and --hessian takes "
                  + MOST_COLUMNS
                  + " at most; leave it out");
        }
      }
    }
  }
}
