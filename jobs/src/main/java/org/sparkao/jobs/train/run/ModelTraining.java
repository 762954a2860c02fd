package org.sparkao.jobs.train.run;

import java.io.IOException;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.gpu.fake.SchemeFakes;
import org.sparkao.gpu.model.LanguageModels;
import org.sparkao.gpu.model.ModelConfig;
import org.sparkao.gpu.model.WeightLookup;
import org.sparkao.gpu.model.WeightLookups;
import org.sparkao.gpu.train.Distillation;
import org.sparkao.gpu.train.ModelSetup;
import org.sparkao.gpu.train.ModelTask;
import org.sparkao.gpu.train.NextToken;
import org.sparkao.gpu.train.Objective;
import org.sparkao.gpu.train.TrainableModel;
import org.sparkao.gpu.train.TrainingMemory;
import org.sparkao.gpu.train.TrainingOperators;
import org.sparkao.jobs.evaluate.run.ModelParts;
import org.sparkao.jobs.job.Texts;
import org.sparkao.jobs.train.plan.TrainOptions;

/** Trains a whole model. */
final class ModelTraining {
  private static final Logger LOG = LoggerFactory.getLogger(ModelTraining.class);

  /** Of free memory, that activations of all blocks may bring it to. */
  private static final double SHARE = 0.9;

  private final TrainOptions options;
  private final ModelConfig config;
  private final WeightLookup lookup;
  private final WeightLookup teacherLookup;
  private final UnitTrainer trainer;

  ModelTraining(
      TrainSettings settings, ModelParts student, ModelParts teacher, UnitTrainer trainer) {
    this.options = settings.options();
    this.config = LanguageModels.inspect(student.checkpoint(), student.files());
    this.lookup = WeightLookups.of(student.checkpoint(), student.files());
    this.teacherLookup = WeightLookups.of(teacher.checkpoint(), teacher.files());
    this.trainer = trainer;
  }

  void run(List<int[]> sequences) throws IOException {
    TrainingOperators operators = trainer.operators();
    SchemeFakes fakes = trainer.fakes();
    try (TrainableModel model =
        TrainableModel.load(operators, config, lookup, setup(operators, fakes))) {
      if (!options.distills()) {
        train(model, new NextToken(operators), sequences, fakes);
        return;
      }
      try (TrainableModel teacher =
          TrainableModel.load(operators, config, teacherLookup, options.teacher())) {
        Objective objective = new Distillation(operators, teacher, options.distilling());
        train(model, objective, sequences, fakes);
      }
    }
  }

  /** On a GPU every block keeps its activations where that fits: the same bits, in less time. */
  private ModelSetup setup(TrainingOperators operators, SchemeFakes fakes) {
    ModelSetup setup = options.setup(fakes);
    if (options.compute().device() == DeviceInfo.Kind.CPU) {
      return setup;
    }
    ModelSetup keeping = setup.keepingActivations();
    long wanted = bytes(keeping) + (options.distills() ? bytes(options.teacher()) : 0);
    long free = operators.device().budget().free() / options.averaging().workers();
    boolean fits = wanted <= (long) (SHARE * free);
    LOG.info(
        "Activations are {}: {} with those of all blocks, {} free",
        fits ? "kept" : "computed again",
        Texts.bytes(wanted),
        Texts.bytes(free));
    return fits ? keeping : setup;
  }

  private long bytes(ModelSetup setup) {
    TrainingMemory memory =
        TrainingMemory.of(config, lookup, setup, options.states(), options.compute().arithmetic());
    return memory.total() + options.keptBytes(memory);
  }

  private void train(
      TrainableModel model, Objective objective, List<int[]> sequences, SchemeFakes fakes)
      throws IOException {
    trainer.train(UnitTask.MODEL, new ModelTask(model, objective, sequences), fakes);
  }
}
