package org.sparkao.jobs.train.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.gpu.fake.SchemeFakes;
import org.sparkao.gpu.model.BlockRunner;
import org.sparkao.gpu.model.HiddenStates;
import org.sparkao.gpu.model.WeightLookup;
import org.sparkao.gpu.model.WeightLookups;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.gpu.train.BlockTask;
import org.sparkao.gpu.train.ResidentSamples;
import org.sparkao.gpu.train.SingleBlock;
import org.sparkao.gpu.train.TrainingMemory;
import org.sparkao.jobs.evaluate.run.ModelParts;
import org.sparkao.jobs.job.Texts;
import org.sparkao.jobs.train.plan.TrainOptions;
import org.sparkao.quant.observe.Workers;

/**
 * Takes all sequences through the teacher, block by block, and trains the student's blocks on the
 * way to give its outputs. Inputs of a block are the teacher's hidden states, so that blocks are
 * independent, or those of the trained blocks before (as in Block-AP of EfficientQAT, Chen et al.
 * 2024).
 */
final class BlockTraining {
  private static final Logger LOG = LoggerFactory.getLogger(BlockTraining.class);

  /** Of free memory, that inputs and outputs on the device may bring it to. */
  private static final double SHARE = 0.9;

  private final TrainOptions options;
  private final ModelParts student;
  private final ModelParts teacher;
  private final WeightLookup lookup;
  private final UnitTrainer trainer;

  BlockTraining(
      TrainSettings settings, ModelParts student, ModelParts teacher, UnitTrainer trainer) {
    this.options = settings.options();
    this.student = student;
    this.teacher = teacher;
    this.lookup = WeightLookups.of(student.checkpoint(), student.files());
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
    try (BlockRunner runner = open(teacher)) {
      if (options.readsStudent() || areResident(runner, task.sequences())) {
        onDevice(runner, task, end);
      } else {
        onHost(runner, task, end);
      }
    }
  }

  /** Hidden states of all sequences stay on the device. */
  private void onDevice(BlockRunner runner, UnitTask task, int end) {
    int[] tokens = task.sequences().stream().mapToInt(ids -> ids.length).toArray();
    try (ResidentSamples samples =
        new ResidentSamples(trainer.operators(), tokens, runner.config().sizes().hidden())) {
      if (options.readsStudent()) {
        try (BlockRunner own = open(student)) {
          own.embed(task.sequences(), samples::input);
        }
      }
      runner.embed(task.sequences(), samples::output);
      blocks(
          runner,
          end,
          (index, block) -> {
            if (!options.readsStudent()) {
              samples.follow();
            }
            for (int i = 0; i < tokens.length; i++) {
              block.run(samples.output(i));
            }
            if (options.readsStudent()) {
              trainInOrder(runner, index, samples);
            } else if (index >= task.first() && !trainer.isFinished(index)) {
              train(runner, index, samples);
            }
          });
    }
  }

  /** Hidden states of all sequences wait on the heap. */
  private void onHost(BlockRunner runner, UnitTask task, int end) {
    List<HiddenStates> states = runner.embed(task.sequences());
    blocks(
        runner,
        end,
        (index, block) -> {
          if (index < task.first() || trainer.isFinished(index)) {
            states.forEach(block::run);
          } else {
            List<HiddenStates> inputs = states.stream().map(HiddenStates::copy).toList();
            states.forEach(block::run);
            train(runner, index, new Sequences(runner, inputs, states));
          }
        });
  }

  /** What is done with a block of the teacher. */
  @FunctionalInterface
  private interface Work {
    void run(int index, BlockRunner.Block block) throws IOException;
  }

  private static void blocks(BlockRunner runner, int end, Work work) {
    runner.blocks(
        end,
        (index, block) -> {
          try {
            work.run(index, block);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  private BlockRunner open(ModelParts parts) {
    return BlockRunner.open(
        parts.checkpoint(),
        parts.files(),
        parts.operators(),
        options.sequenceLength(),
        Workers.ALL_CORES);
  }

  /** Each block reads what those before it give, as they were trained. */
  private void trainInOrder(BlockRunner runner, int layer, ResidentSamples samples)
      throws IOException {
    SchemeFakes fakes = trainer.fakes();
    try (SingleBlock block = load(runner, layer, fakes)) {
      if (trainer.isFinished(layer)) {
        trainer.restore(layer, block);
      } else {
        train(runner, layer, samples, block, fakes);
      }
      samples.advance(block);
    }
  }

  /** On a GPU inputs and outputs stay there where that fits: the same bits, in less time. */
  private boolean areResident(BlockRunner runner, List<int[]> sequences) {
    if (options.compute().device() == DeviceInfo.Kind.CPU) {
      return false;
    }
    int bytes = options.compute().arithmetic().bytes();
    long tokens = sequences.stream().mapToLong(ids -> ids.length).sum();
    TrainingMemory memory =
        TrainingMemory.ofBlock(
            runner.config(),
            lookup,
            options.setup(trainer.fakes()),
            options.states(),
            options.compute().arithmetic());
    // The block that says what is wanted lies there, too.
    long wanted =
        memory.total()
            + memory.weights()
            + options.keptBytes(memory)
            + 2 * tokens * runner.config().sizes().hidden() * bytes;
    long free = trainer.operators().device().budget().free();
    boolean fits = wanted <= (long) (SHARE * free);
    LOG.debug(
        "Inputs and outputs {} on the device: {} with them, {} free",
        fits ? "stay" : "do not stay",
        Texts.bytes(wanted),
        Texts.bytes(free));
    return fits;
  }

  private void train(BlockRunner runner, int layer, BlockTask.Samples samples) throws IOException {
    SchemeFakes fakes = trainer.fakes();
    try (SingleBlock block = load(runner, layer, fakes)) {
      train(runner, layer, samples, block, fakes);
    }
  }

  private SingleBlock load(BlockRunner runner, int layer, SchemeFakes fakes) {
    return SingleBlock.load(
        trainer.operators(), runner.config(), lookup, layer, options.setup(fakes));
  }

  private void train(
      BlockRunner runner,
      int layer,
      BlockTask.Samples samples,
      SingleBlock block,
      SchemeFakes fakes)
      throws IOException {
    int hidden = runner.config().sizes().hidden();
    try (BlockTask task = new BlockTask(trainer.operators(), block, samples, hidden)) {
      trainer.train(layer, task, fakes);
    }
  }

  /** Inputs and outputs of a block, on the host. */
  private record Sequences(
      BlockRunner runner, List<HiddenStates> inputs, List<HiddenStates> outputs)
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
      runner.copy(inputs.get(sample), input);
      runner.copy(outputs.get(sample), output);
    }
  }
}
