package org.sparkao.jobs.train.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import org.sparkao.gpu.fake.SchemeFakes;
import org.sparkao.gpu.model.BlockRunner;
import org.sparkao.gpu.model.HiddenStates;
import org.sparkao.gpu.model.WeightLookup;
import org.sparkao.gpu.model.WeightLookups;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.gpu.train.BlockTask;
import org.sparkao.gpu.train.ModelSetup;
import org.sparkao.gpu.train.SingleBlock;
import org.sparkao.gpu.train.TrainingOperators;
import org.sparkao.jobs.evaluate.run.ModelParts;
import org.sparkao.jobs.train.plan.TrainOptions;
import org.sparkao.quant.observe.Workers;

/**
 * Takes all sequences through the full-precision model, block by block, and trains some of the
 * blocks on the way.
 */
final class BlockTraining {
  private final TrainOptions options;
  private final ModelParts parts;
  private final WeightLookup lookup;
  private final UnitTrainer trainer;

  BlockTraining(TrainSettings settings, ModelParts parts, UnitTrainer trainer) {
    this.options = settings.options();
    this.parts = parts;
    this.lookup = WeightLookups.of(parts.checkpoint(), parts.files());
    this.trainer = trainer;
  }

  /** What is finished already is not trained again; behind the last unfinished one nothing runs. */
  void run(UnitTask task) throws IOException {
    int end = task.end();
    while (end > task.first() && trainer.isFinished(end - 1)) {
      end--;
    }
    if (end == task.first()) {
      return;
    }
    try (BlockRunner runner =
        BlockRunner.open(
            parts.checkpoint(),
            parts.files(),
            parts.operators(),
            options.sequenceLength(),
            Workers.ALL_CORES)) {
      List<HiddenStates> states = runner.embed(task.sequences());
      runner.blocks(
          end,
          (index, block) -> {
            try {
              if (index < task.first() || trainer.isFinished(index)) {
                states.forEach(block::run);
              } else {
                List<float[]> inputs = states.stream().map(runner::values).toList();
                states.forEach(block::run);
                train(runner, index, inputs, states);
              }
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });
    }
  }

  private void train(
      BlockRunner runner, int layer, List<float[]> inputs, List<HiddenStates> outputs)
      throws IOException {
    TrainingOperators operators = trainer.operators();
    SchemeFakes fakes = trainer.fakes();
    ModelSetup setup = options.setup(fakes);
    Sequences samples = new Sequences(runner, inputs, outputs);
    int hidden = runner.config().sizes().hidden();
    try (SingleBlock block = SingleBlock.load(operators, runner.config(), lookup, layer, setup);
        BlockTask task = new BlockTask(operators, block, samples, hidden)) {
      trainer.train(layer, task, fakes);
    }
  }

  /** Inputs and outputs of a block. */
  private record Sequences(BlockRunner runner, List<float[]> inputs, List<HiddenStates> outputs)
      implements BlockTask.Samples {
    @Override
    public int count() {
      return inputs.size();
    }

    @Override
    public int tokens(int sample) {
      return outputs.get(sample).tokens();
    }

    @Override
    public void read(int sample, Tensor input, Tensor output) {
      input.write(inputs.get(sample), 0);
      output.write(runner.values(outputs.get(sample)), 0);
    }
  }
}
