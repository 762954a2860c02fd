package org.sparkao.gpu.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkao.gpu.model.ModelConfig.Trait;
import org.sparkao.gpu.optimizer.StateFormat;
import org.sparkao.gpu.tensor.Parameter;

/** What whole models do beside their gradients, on operators of any device. */
abstract class AbstractTestTrainableModel extends AbstractTestModelGradients {
  @Test
  void gradientsAddUp() {
    RandomModel source = new RandomModel(Set.of(Trait.TIED_EMBEDDINGS), step(), 3);
    try (TrainableModel model = load(source, ModelSetup.full(16, 16))) {
      Objective objective = new NextToken(operators());
      model.accumulate(batch(), objective, 1);
      List<float[]> once = gradients(model);
      model.accumulate(batch(), objective, 1);
      List<float[]> twice = gradients(model);
      for (int i = 0; i < once.size(); i++) {
        float[] first = once.get(i);
        float[] both = twice.get(i);
        double[] expected =
            IntStream.range(0, first.length).mapToDouble(j -> 2 * first[j]).toArray();
        assertClose(model.parameters().get(i).name(), both, expected);
      }
      model.zeroGradients();
      gradients(model).forEach(all -> assertThat(all).containsOnly(0));
    }
  }

  /** Blocks that keep what they compute give the bits of those that compute it again. */
  @Test
  void activationsMayBeKept() {
    RandomModel source = new RandomModel(Set.of(Trait.HEAD_NORMS), step(), 3);
    List<List<float[]>> all = new ArrayList<>();
    for (boolean kept : new boolean[] {false, true}) {
      ModelSetup setup = ModelSetup.full(16, 16).withFakes(new ScalingFakes(operators()));
      try (TrainableModel model = load(source, kept ? setup.keepingActivations() : setup)) {
        model.loss(TokenBatch.of(List.of(new int[] {7, 7})), new NextToken(operators()));
        model.accumulate(batch(), new NextToken(operators()), 1);
        model.finishGradients();
        all.add(gradients(model));
      }
    }
    for (int i = 0; i < all.get(0).size(); i++) {
      assertThat(all.get(1).get(i)).isEqualTo(all.get(0).get(i));
    }
  }

  static List<float[]> gradients(TrainableModel model) {
    return model.parameters().stream().map(p -> p.gradient().toFloats()).toList();
  }

  @Test
  void onlyWhatIsTrainedHasAGradient() {
    RandomModel source = new RandomModel(Set.of(), step(), 4);
    ModelSetup setup = ModelSetup.full(16, 16).training(name -> name.contains("up_proj"));
    List<float[]> all;
    try (TrainableModel model = load(source, ModelSetup.full(16, 16))) {
      model.accumulate(batch(), new NextToken(operators()), 1);
      all =
          model.parameters().stream()
              .filter(p -> p.name().contains("up_proj"))
              .map(p -> p.gradient().toFloats())
              .toList();
    }
    try (TrainableModel model = load(source, setup)) {
      assertThat(model.parameters().stream().map(Parameter::name))
          .containsExactly(
              "model.layers.0.mlp.up_proj.weight", "model.layers.1.mlp.up_proj.weight");
      model.accumulate(batch(), new NextToken(operators()), 1);
      List<float[]> found = gradients(model);
      for (int i = 0; i < all.size(); i++) {
        assertThat(found.get(i)).isEqualTo(all.get(i));
      }
    }
  }

  @Test
  void lossesAloneAreThoseOfTraining() {
    RandomModel source = new RandomModel(Set.of(), step(), 5);
    try (TrainableModel model = load(source, ModelSetup.full(16, 16))) {
      Objective objective = new NextToken(operators());
      BatchLoss alone = model.loss(batch(), objective);
      assertThat(gradients(model)).allSatisfy(all -> assertThat(all).containsOnly(0));
      assertThat(model.accumulate(batch(), objective, 1)).isEqualTo(alone);
    }
  }

  @Test
  void batchesThatDoNotFitAreRefused() {
    RandomModel source = new RandomModel(Set.of(), step(), 5);
    try (TrainableModel model = load(source, ModelSetup.full(12, 16))) {
      assertThatThrownBy(() -> model.loss(batch(), new NextToken(operators())))
          .hasMessage(
              "a batch of 13 tokens, the longest sequence 6, where at most 12 and 16 were"
                  + " reserved");
    }
  }

  static List<ModelSetup> setups() {
    ModelSetup full = ModelSetup.full(300, 16);
    return List.of(ModelSetup.frozen(300, 16), full, full.keepingActivations());
  }

  /** What planning counts is what is taken, but for rows behind the last and rotary tables. */
  @ParameterizedTest
  @MethodSource("setups")
  void everythingIsGivenBack(ModelSetup setup) {
    RandomModel source = new RandomModel(Set.of(Trait.QKV_BIAS), step(), 6);
    long before = operators().device().budget().inUse();
    TrainingMemory planned =
        TrainingMemory.of(source.config(), source, setup, StateFormat.FP32, between());
    try (TrainableModel model = load(source, setup)) {
      long parameters = model.parameters().stream().mapToLong(p -> p.value().elements()).sum();
      assertThat(planned.gradients()).isEqualTo(4 * parameters);
      assertThat(planned.moments()).isEqualTo(8 * parameters);
      double taken = operators().device().budget().inUse() - before;
      assertThat((planned.total() - planned.moments()) / taken).isBetween(0.9, 1.0);
    }
    assertThat(operators().device().budget().inUse()).isEqualTo(before);
  }

  /**
   * Frozen weights whose scales are learned have gradients, and all that read the same with them.
   */
  @Test
  void gradientsOfFrozenWeightsAreCounted() {
    RandomModel source = new RandomModel(Set.of(Trait.QKV_BIAS), step(), 6);
    ModelSetup setup =
        ModelSetup.full(16, 16).withFakes(new ScalingFakes(operators())).training(name -> false);
    long before = operators().device().budget().inUse();
    TrainingMemory planned =
        TrainingMemory.of(source.config(), source, setup, StateFormat.FP32, between());
    long linears =
        source.weights().entrySet().stream()
            .filter(tensor -> tensor.getKey().matches(".*(_proj|lm_head)\\.weight"))
            .mapToLong(tensor -> tensor.getValue().length)
            .sum();
    assertThat(planned.gradients()).isEqualTo(4 * linears);
    try (TrainableModel model = load(source, setup)) {
      assertThat(model.parameters()).allMatch(parameter -> parameter.name().endsWith(".scale"));
      double taken = operators().device().budget().inUse() - before;
      assertThat((planned.total() - planned.moments()) / taken).isBetween(0.8, 1.0);
    }
  }
}
