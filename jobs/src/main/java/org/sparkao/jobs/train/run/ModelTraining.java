package org.sparkao.jobs.train.run;

import java.io.IOException;
import java.util.List;
import org.sparkao.gpu.fake.SchemeFakes;
import org.sparkao.gpu.model.LanguageModels;
import org.sparkao.gpu.model.ModelConfig;
import org.sparkao.gpu.model.WeightLookup;
import org.sparkao.gpu.model.WeightLookups;
import org.sparkao.gpu.train.Distillation;
import org.sparkao.gpu.train.ModelTask;
import org.sparkao.gpu.train.NextToken;
import org.sparkao.gpu.train.Objective;
import org.sparkao.gpu.train.TrainableModel;
import org.sparkao.gpu.train.TrainingOperators;
import org.sparkao.jobs.evaluate.run.ModelParts;
import org.sparkao.jobs.train.plan.TrainOptions;

/** Trains a whole model. */
final class ModelTraining {
  private final TrainOptions options;
  private final ModelConfig config;
  private final WeightLookup lookup;
  private final UnitTrainer trainer;

  ModelTraining(TrainSettings settings, ModelParts parts, UnitTrainer trainer) {
    this.options = settings.options();
    this.config = LanguageModels.inspect(parts.checkpoint(), parts.files());
    this.lookup = WeightLookups.of(parts.checkpoint(), parts.files());
    this.trainer = trainer;
  }

  void run(List<int[]> sequences) throws IOException {
    TrainingOperators operators = trainer.operators();
    SchemeFakes fakes = trainer.fakes();
    try (TrainableModel model =
        TrainableModel.load(operators, config, lookup, options.setup(fakes))) {
      if (!options.distills()) {
        train(model, new NextToken(operators), sequences, fakes);
        return;
      }
      try (TrainableModel teacher =
          TrainableModel.load(operators, config, lookup, options.teacher())) {
        Objective objective = new Distillation(operators, teacher, options.temperature());
        train(model, objective, sequences, fakes);
      }
    }
  }

  private void train(
      TrainableModel model, Objective objective, List<int[]> sequences, SchemeFakes fakes)
      throws IOException {
    trainer.train(UnitTask.MODEL, new ModelTask(model, objective, sequences), fakes);
  }
}
