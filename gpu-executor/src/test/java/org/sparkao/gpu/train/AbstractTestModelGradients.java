package org.sparkao.gpu.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.gpu.model.GoldenFile;
import org.sparkao.gpu.model.ModelConfig;
import org.sparkao.gpu.model.ModelConfig.Trait;
import org.sparkao.gpu.model.ModelConfigs;
import org.sparkao.gpu.model.SharedModels;
import org.sparkao.gpu.model.WeightLookups;
import org.sparkao.gpu.tensor.Parameter;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.LocalFiles;

/** Losses and gradients of whole models, on operators of any device, against definitions. */
abstract class AbstractTestModelGradients {
  private TrainingOperators operators;

  abstract TrainingOperators open();

  /** How far a gradient may be off, for a tensor whose largest element is 1. */
  abstract double tolerance();

  /** Sizes that the device takes are multiples of this. */
  abstract int step();

  /** What goes from operator to operator. */
  Arithmetic between() {
    return Arithmetic.FP32;
  }

  TrainingOperators operators() {
    return operators;
  }

  @BeforeEach
  void begin() {
    operators = open();
  }

  @AfterEach
  void end() {
    operators.close();
    operators.device().close();
  }

  /** Of PyTorch's automatic differentiation, see {@code golden/README.md} (E). */
  @Test
  void storiesGradients() {
    assumeTrue(GoldenFile.shared("golden").isPresent(), "no ../shared");
    Path folder = GoldenFile.shared("golden/llama").orElseThrow();
    GoldenFile golden = GoldenFile.read(folder.resolve("llama.safetensors"));
    LocalFiles files = LocalFiles.of(GoldenFile.shared("models/stories260k").orElseThrow());
    Checkpoint checkpoint = SharedModels.checkpoint(files);
    ModelConfig config = ModelConfigs.parse(checkpoint.config().orElseThrow(), "config.json");
    int[] ids = golden.ints("grad.batch_ids");
    TokenBatch batch =
        TokenBatch.of(List.of(Arrays.copyOf(ids, 64), Arrays.copyOfRange(ids, 64, 128)));
    try (TrainableModel model =
        TrainableModel.load(
            operators,
            config,
            WeightLookups.of(checkpoint, files),
            ModelSetup.full(128, 64).withHeadRows(50))) {
      BatchLoss loss = model.accumulate(batch, new NextToken(operators), 1f / 126);
      assertThat(loss.count()).isEqualTo(126);
      assertThat(loss.mean() - golden.floats("grad.loss")[0])
          .isBetween(-tolerance() / 2, tolerance() / 2);
      int compared = 0;
      for (Parameter parameter : model.parameters()) {
        if (golden.has("grad." + parameter.name())) {
          double[] expected = InDoubles.of(golden.floats("grad." + parameter.name()));
          assertGradient(parameter, expected);
          compared++;
        }
      }
      assertThat(compared).isEqualTo(6);
    }
  }

  static List<Set<Trait>> traits() {
    return List.of(
        EnumSet.noneOf(Trait.class),
        EnumSet.of(Trait.TIED_EMBEDDINGS),
        EnumSet.of(Trait.QKV_BIAS, Trait.OUTPUT_BIAS, Trait.MLP_BIAS),
        EnumSet.of(Trait.HEAD_NORMS));
  }

  @ParameterizedTest
  @MethodSource("traits")
  void nextTokenGradients(Set<Trait> traits) {
    RandomModel source = new RandomModel(traits, step(), 1);
    TokenBatch batch = batch();
    try (TrainableModel model = load(source, ModelSetup.full(16, 16).withHeadRows(5))) {
      BatchLoss loss = model.accumulate(batch, new NextToken(operators), 1f / batch.predicted());
      ToDoubleFunction<Map<String, double[]>> expected =
          weights ->
              Arrays.stream(InDoubles.crossEntropy(source.logits(weights, batch), batch.targets()))
                  .sum();
      assertLoss(loss.sum(), expected.applyAsDouble(source.weights()));
      assertGradients(model, source.weights(), expected, batch.predicted());
    }
  }

  @Test
  void distillationGradients() {
    RandomModel source = new RandomModel(Set.of(), step(), 1);
    RandomModel other = new RandomModel(Set.of(), step(), 2);
    TokenBatch batch = batch();
    try (TrainableModel model = load(source, ModelSetup.full(16, 16).withHeadRows(5));
        TrainableModel teacher = load(other, ModelSetup.frozen(16, 16).withHeadRows(5))) {
      assertThat(teacher.parameters()).isEmpty();
      double[] wanted = other.logits(other.weights(), batch);
      Objective objective =
          new Distillation(operators, teacher, new Distillation.Settings(2, 0, 0));
      BatchLoss loss = model.accumulate(batch, objective, 1f / batch.tokens());
      ToDoubleFunction<Map<String, double[]>> expected =
          weights ->
              Arrays.stream(InDoubles.divergence(source.logits(weights, batch), wanted, 19, 2))
                  .sum();
      assertThat(loss.count()).isEqualTo(batch.tokens());
      assertLoss(loss.sum(), expected.applyAsDouble(source.weights()));
      assertGradients(model, source.weights(), expected, batch.tokens());
    }
  }

  /** The divergence, and half of the cross entropy of the tokens that have a next one. */
  @Test
  void nextTokensCountInDistillation() {
    RandomModel source = new RandomModel(Set.of(), step(), 1);
    RandomModel other = new RandomModel(Set.of(), step(), 2);
    TokenBatch batch = batch();
    try (TrainableModel model = load(source, ModelSetup.full(16, 16).withHeadRows(5));
        TrainableModel teacher = load(other, ModelSetup.frozen(16, 16).withHeadRows(5))) {
      double[] logits = source.logits(source.weights(), batch);
      double[] wanted = other.logits(other.weights(), batch);
      double divergence = Arrays.stream(InDoubles.divergence(logits, wanted, 19, 1)).sum();
      double labels = Arrays.stream(InDoubles.crossEntropy(logits, batch.targets())).sum();
      Objective objective =
          new Distillation(operators, teacher, new Distillation.Settings(1, 0.5f, 0));
      assertLoss(model.loss(batch, objective).sum(), divergence + labels / 2);
      assertLoss(model.accumulate(batch, objective, 1).sum(), divergence + labels / 2);
    }
  }

  /** The divergence, and 0.7 times the mean over both blocks of relative errors. */
  @Test
  void hiddenStatesGradients() {
    RandomModel source = new RandomModel(Set.of(), step(), 1);
    RandomModel other = new RandomModel(Set.of(), step(), 2);
    TokenBatch batch = batch();
    ModelSetup frozen = ModelSetup.frozen(16, 16).withHeadRows(5);
    try (TrainableModel model = load(source, ModelSetup.full(16, 16).withHeadRows(5));
        TrainableModel teacher = load(other, frozen.keepingStates())) {
      double[] logits = other.logits(other.weights(), batch);
      List<double[]> outputs = other.outputs(other.weights(), batch);
      Objective objective =
          new Distillation(operators, teacher, new Distillation.Settings(1, 0, 0.7f));
      ToDoubleFunction<Map<String, double[]>> expected =
          weights -> {
            double sum =
                Arrays.stream(InDoubles.divergence(source.logits(weights, batch), logits, 19, 1))
                    .sum();
            List<double[]> own = source.outputs(weights, batch);
            for (int i = 0; i < 2; i++) {
              sum += 0.35 * InDoubles.relativeErrors(own.get(i), outputs.get(i), batch.tokens());
            }
            return sum;
          };
      double wanted = expected.applyAsDouble(source.weights());
      assertLoss(model.loss(batch, objective).sum(), wanted);
      BatchLoss loss = model.accumulate(batch, objective, 1f / batch.tokens());
      assertThat(loss.count()).isEqualTo(batch.tokens());
      assertLoss(loss.sum(), wanted);
      assertGradients(model, source.weights(), expected, batch.tokens());
    }
  }

  /** A teacher whose states are overwritten from block to block has none to compare. */
  @Test
  void statesThatAreNotKept() {
    RandomModel source = new RandomModel(Set.of(), step(), 1);
    try (TrainableModel model = load(source, ModelSetup.full(16, 16));
        TrainableModel teacher = load(source, ModelSetup.frozen(16, 16))) {
      Objective objective =
          new Distillation(operators, teacher, new Distillation.Settings(1, 0, 1));
      TokenBatch batch = batch();
      assertThatThrownBy(() -> model.accumulate(batch, objective, 1))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("outputs of blocks are not kept");
    }
  }

  /** Every product is made of what the fakes give, and every gradient goes through them. */
  @Test
  void fakesGradients() {
    RandomModel source = new RandomModel(Set.of(Trait.QKV_BIAS), step(), 1);
    TokenBatch batch = batch();
    ScalingFakes fakes = new ScalingFakes(operators);
    try (TrainableModel model = load(source, ModelSetup.full(16, 16).withFakes(fakes))) {
      assertThat(fakes.activations().stream().limit(4).map(name -> name.replaceAll(".*\\.", "")))
          .containsExactly("q_proj", "o_proj", "gate_proj", "down_proj");
      assertThat(fakes.activations()).hasSize(9).endsWith("lm_head");
      int[] targets = batch.targets();
      BatchLoss loss = model.accumulate(batch, new NextToken(operators), 1f / batch.predicted());
      model.finishGradients();
      ToDoubleFunction<Map<String, double[]>> expected =
          weights ->
              Arrays.stream(InDoubles.crossEntropy(source.logits(scaled(weights), batch), targets))
                  .sum();
      Map<String, double[]> weights = source.weights();
      model.parameters().stream()
          .map(Parameter::name)
          .filter(name -> name.endsWith(".scale"))
          .forEach(name -> weights.put(name, new double[] {ScalingFakes.WEIGHT}));
      assertThat(weights.keySet()).contains("lm_head.scale").hasSize(21 + 6 + 13);
      assertLoss(loss.sum(), expected.applyAsDouble(weights));
      assertGradients(model, weights, expected, batch.predicted());
    }
    assertThat(fakes.open()).isZero();
  }

  /** Weights of linear layers as products see them. */
  private static Map<String, double[]> scaled(Map<String, double[]> weights) {
    Map<String, double[]> all = new HashMap<>(weights);
    weights.forEach(
        (name, values) -> {
          if (name.matches(".*(_proj|lm_head)\\.weight")) {
            double[] scale =
                weights.getOrDefault(name.replace(".weight", ".scale"), new double[] {1});
            double factor = scale[0] * ScalingFakes.ACTIVATION;
            all.put(name, Arrays.stream(values).map(v -> factor * v).toArray());
          }
        });
    return all;
  }

  private void assertLoss(double found, double expected) {
    double bound = tolerance() / 2 * expected;
    assertThat(found - expected).isBetween(-bound, bound);
  }

  /** Of all parameters, against differences of a sum of losses divided by {@code count}. */
  private void assertGradients(
      TrainableModel model,
      Map<String, double[]> weights,
      ToDoubleFunction<Map<String, double[]>> sum,
      int count) {
    assertThat(model.parameters().stream().map(Parameter::name))
        .containsExactlyInAnyOrderElementsOf(weights.keySet());
    for (Parameter parameter : model.parameters()) {
      double[] values = weights.get(parameter.name());
      int[] some = some(values.length);
      double[] expected =
          InDoubles.gradient(
              point -> {
                double[] changed = values.clone();
                for (int i = 0; i < some.length; i++) {
                  changed[some[i]] = point[i];
                }
                weights.put(parameter.name(), changed);
                return sum.applyAsDouble(weights) / count;
              },
              Arrays.stream(some).mapToDouble(i -> values[i]).toArray());
      weights.put(parameter.name(), values);
      float[] found = parameter.gradient().toFloats();
      float[] compared = new float[some.length];
      for (int i = 0; i < some.length; i++) {
        compared[i] = found[some[i]];
      }
      assertThat(found).hasSize(values.length);
      double largest = CancellingSums.largest(expected);
      double size =
          between() == Arithmetic.BF16
              ? Math.max(largest, CancellingSums.terms(model, parameter.name(), weights))
              : largest;
      assertClose(parameter.name(), compared, expected, size);
    }
  }

  /** Some 30 elements, spread over a tensor. */
  private static int[] some(int count) {
    int step = Math.max(1, count / 30);
    return IntStream.iterate(step / 2, i -> i < count, i -> i + step).toArray();
  }

  private void assertGradient(Parameter parameter, double[] expected) {
    assertClose(parameter.name(), parameter.gradient().toFloats(), expected);
  }

  void assertClose(String name, float[] found, double[] expected) {
    assertClose(name, found, expected, CancellingSums.largest(expected));
  }

  /** An error counts as a part of {@code size}. */
  private void assertClose(String name, float[] found, double[] expected, double size) {
    assertThat(found).hasSize(expected.length);
    assertThat(CancellingSums.largest(expected)).as(name).isPositive();
    double error = 0;
    for (int i = 0; i < found.length; i++) {
      // NaN stays the largest.
      error = Math.max(error, Math.abs(found[i] - expected[i]) / size);
    }
    assertThat(error).as(name).isLessThan(tolerance());
  }

  TrainableModel load(RandomModel source, ModelSetup setup) {
    return TrainableModel.load(operators, source.config(), source, setup);
  }

  static TokenBatch batch() {
    return TokenBatch.of(
        List.of(new int[] {3, 1, 4, 1, 5, 9}, new int[] {2, 6}, new int[] {18, 0, 3, 5, 7}));
  }
}
