package org.sparkao.gpu.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.withinPercentage;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkao.gpu.model.ModelConfig.Trait;
import org.sparkao.gpu.optimizer.AdamW;
import org.sparkao.gpu.optimizer.AdamWSettings;
import org.sparkao.gpu.optimizer.CosineSchedule;
import org.sparkao.gpu.optimizer.GradientClipping;
import org.sparkao.gpu.optimizer.StateFormat;
import org.sparkao.gpu.tensor.Parameter;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.safetensors.FileSink;
import org.sparkao.quant.safetensors.FileSource;

/** Steps of training on operators of any device. */
abstract class AbstractTestTrainer {
  @TempDir Path folder;

  private TrainingOperators operators;

  abstract TrainingOperators open();

  abstract AdamW adamW(TrainingOperators of);

  /** Sizes that the device takes are multiples of this. */
  abstract int step();

  @BeforeEach
  void begin() {
    operators = open();
  }

  @AfterEach
  void end() {
    operators.close();
    operators.device().close();
  }

  private static TrainerSettings settings(StateFormat states, long seed) {
    return new TrainerSettings(
        new AdamWSettings(0.9, 0.99, 1e-8, 0.01),
        TrainerSettings.Decay.START,
        states,
        new CosineSchedule(0.01, 2, 12, 0.1),
        1,
        new GradientClipping(1),
        4,
        seed);
  }

  /** Sequences in which a token is followed by the next one. */
  private static List<int[]> sequences() {
    Random random = new Random(5);
    List<int[]> all = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      int[] ids = new int[4 + random.nextInt(5)];
      int first = random.nextInt(19);
      Arrays.setAll(ids, at -> (first + at) % 19);
      all.add(ids);
    }
    return all;
  }

  private TrainableModel model(int tokens) {
    RandomModel source = new RandomModel(Set.of(Trait.TIED_EMBEDDINGS), step(), 1);
    return TrainableModel.load(operators, source.config(), source, ModelSetup.full(tokens, 12));
  }

  private Trainer trainer(TrainableModel model, TrainerSettings settings) {
    TrainingTask task = new ModelTask(model, new NextToken(operators), sequences());
    return new Trainer(operators, task, adamW(operators), settings);
  }

  private static List<float[]> values(List<Parameter> parameters) {
    return parameters.stream().map(parameter -> parameter.value().toFloats()).toList();
  }

  /** Six steps are three, a file, and three in another trainer, bit for bit. */
  @ParameterizedTest
  @EnumSource(
      value = StateFormat.class,
      names = {"FP32", "INT8"})
  void resumes(StateFormat states) throws IOException {
    List<StepReport> all = new ArrayList<>();
    List<float[]> expected;
    try (TrainableModel model = model(20);
        Trainer trainer = trainer(model, settings(states, 3))) {
      for (int i = 0; i < 6; i++) {
        all.add(trainer.step());
      }
      expected = values(model.parameters());
    }
    List<StepReport> found = new ArrayList<>();
    try (TrainableModel model = model(20);
        Trainer trainer = trainer(model, settings(states, 3))) {
      for (int i = 0; i < 3; i++) {
        found.add(trainer.step());
      }
      write(trainer);
    }
    try (TrainableModel model = model(20);
        Trainer trainer = trainer(model, settings(states, 3))) {
      resume(trainer);
      assertThat(trainer.done()).isEqualTo(3);
      for (int i = 0; i < 3; i++) {
        found.add(trainer.step());
      }
      List<float[]> values = values(model.parameters());
      for (int i = 0; i < values.size(); i++) {
        assertThat(values.get(i)).isEqualTo(expected.get(i));
      }
    }
    assertThat(found).isEqualTo(all);
    assertThat(all.get(5).loss().mean()).isLessThan(0.8 * all.get(0).loss().mean());
    assertThat(all).extracting(StepReport::step).containsExactly(1, 2, 3, 4, 5, 6);
    assertThat(all.get(1).learningRate()).isEqualTo(0.01f);
  }

  private void write(Trainer trainer) throws IOException {
    try (FileSink values = FileSink.create(folder.resolve("values"));
        FileSink moments = FileSink.create(folder.resolve("moments"))) {
      trainer.write(values, moments);
    }
  }

  private void resume(Trainer trainer) throws IOException {
    try (FileSource values = FileSource.open(folder.resolve("values"));
        FileSource moments = FileSource.open(folder.resolve("moments"))) {
      trainer.resume(List.of(values), moments);
    }
  }

  @Test
  void otherTrainingsAreNotResumed() throws IOException {
    try (TrainableModel model = model(20);
        Trainer trainer = trainer(model, settings(StateFormat.FP32, 3));
        Trainer other = trainer(model, settings(StateFormat.FP32, 4))) {
      write(trainer);
      assertThatThrownBy(() -> resume(other))
          .isInstanceOf(QuantException.class)
          .hasMessageContaining("seed=3")
          .hasMessageContaining("seed=4")
          .hasMessageEndingWith("; resume with the options of the run that wrote it");
    }
  }

  /** One batch, or one a sequence: the same mean, up to the order of sums. */
  @Test
  void batchesOfAStepAddUp() {
    List<List<float[]>> gradients = new ArrayList<>();
    List<StepReport> reports = new ArrayList<>();
    for (int tokens : new int[] {48, 8}) {
      try (TrainableModel model = model(tokens);
          Trainer trainer = trainer(model, settings(StateFormat.FP32, 3))) {
        reports.add(trainer.step());
        gradients.add(model.parameters().stream().map(p -> p.gradient().toFloats()).toList());
      }
    }
    assertThat(reports.get(0).loss().count()).isEqualTo(reports.get(1).loss().count());
    assertThat(reports.get(0).loss().sum() / reports.get(1).loss().sum())
        .isBetween(1 - 1e-6, 1 + 1e-6);
    assertThat(reports.get(0).gradientNorm() / reports.get(1).gradientNorm())
        .isBetween(1 - 1e-5, 1 + 1e-5);
    for (int i = 0; i < gradients.get(0).size(); i++) {
      float[] one = gradients.get(0).get(i);
      float[] several = gradients.get(1).get(i);
      for (int j = 0; j < one.length; j++) {
        assertThat(Math.abs(one[j] - several[j])).isLessThan(1e-6f);
      }
    }
  }

  /** A frozen block, and the same with other weights, which is trained to do what that does. */
  @Test
  void blocks() {
    RandomModel right = new RandomModel(Set.of(), step(), 1);
    RandomModel other = new RandomModel(Set.of(), step(), 2);
    int hidden = right.config().sizes().hidden();
    ModelSetup frozen = ModelSetup.frozen(12, 12);
    List<float[]> inputs = new ArrayList<>();
    List<float[]> outputs = new ArrayList<>();
    try (SingleBlock block = SingleBlock.load(operators, right.config(), right, 1, frozen);
        Tensor x = operators.allocate(6, hidden);
        Tensor y = operators.allocate(6, hidden)) {
      Random random = new Random(6);
      for (int i = 0; i < 8; i++) {
        float[] input = new float[6 * hidden];
        for (int j = 0; j < input.length; j++) {
          input[j] = (float) random.nextGaussian();
        }
        x.write(input, 0);
        TokenBatch batch = TokenBatch.of(List.of(new int[6]));
        block.forward(x, batch, y);
        inputs.add(input);
        outputs.add(y.toFloats());
        Map<String, double[]> weights = right.weights();
        double[] expected = right.block(weights, "model.layers.1", InDoubles.of(input), batch);
        for (int j = 0; j < expected.length; j++) {
          assertThat((double) outputs.get(i)[j]).isBetween(expected[j] - 1e-4, expected[j] + 1e-4);
        }
      }
    }
    ModelSetup setup = ModelSetup.full(12, 12);
    try (SingleBlock block = SingleBlock.load(operators, other.config(), other, 1, setup);
        BlockTask task = new BlockTask(operators, block, samples(inputs, outputs), hidden);
        Trainer trainer =
            new Trainer(operators, task, adamW(operators), settings(StateFormat.FP32, 3))) {
      assertThat(block.parameters()).hasSize(9);
      assertThat(firstLoss(block, inputs.get(0), outputs.get(0)))
          .isCloseTo(
              InDoubles.relativeErrors(
                  other.block(
                      other.weights(),
                      "model.layers.1",
                      InDoubles.of(inputs.get(0)),
                      TokenBatch.of(List.of(new int[6]))),
                  InDoubles.of(outputs.get(0)),
                  6),
              withinPercentage(0.01));
      List<StepReport> reports = new ArrayList<>();
      for (int i = 0; i < 12; i++) {
        reports.add(trainer.step());
      }
      assertThat(reports.get(0).loss().count()).isEqualTo(4 * 6);
      assertThat(reports.get(11).loss().mean()).isLessThan(0.7 * reports.get(0).loss().mean());
    }
  }

  private double firstLoss(SingleBlock block, float[] input, float[] output) {
    try (Tensor x = operators.allocate(6, input.length / 6);
        Tensor wanted = operators.allocate(6, input.length / 6)) {
      x.write(input, 0);
      wanted.write(output, 0);
      return block.loss(x, wanted, TokenBatch.of(List.of(new int[6]))).sum();
    }
  }

  private static BlockTask.Samples samples(List<float[]> inputs, List<float[]> outputs) {
    return new BlockTask.Samples() {
      @Override
      public int count() {
        return inputs.size();
      }

      @Override
      public int tokens(int sample) {
        return 6;
      }

      @Override
      public void read(int sample, Tensor input, Tensor output) {
        input.write(inputs.get(sample), 0);
        output.write(outputs.get(sample), 0);
      }
    };
  }

  /** Against differences in fp64. */
  @Test
  void blockGradients() {
    RandomModel source = new RandomModel(Set.of(), step(), 1);
    int hidden = source.config().sizes().hidden();
    TokenBatch batch = TokenBatch.of(List.of(new int[4], new int[3]));
    Random random = new Random(7);
    double[] x = random.doubles(7 * hidden, -1, 1).map(v -> (float) v).toArray();
    double[] wanted = random.doubles(7 * hidden, -1, 1).map(v -> (float) v).toArray();
    try (SingleBlock block =
            SingleBlock.load(operators, source.config(), source, 0, ModelSetup.full(8, 8));
        Tensor input = tensor(x, hidden);
        Tensor output = tensor(wanted, hidden)) {
      BatchLoss loss = block.accumulate(input, output, batch, 0.5f);
      assertThat(block.loss(input, output, batch)).isEqualTo(loss);
      Map<String, double[]> weights = source.weights();
      for (Parameter parameter : block.parameters()) {
        double[] values = weights.get(parameter.name());
        double[] expected =
            InDoubles.gradient(
                point -> {
                  weights.put(parameter.name(), point);
                  double[] y = source.block(weights, "model.layers.0", x, batch);
                  return 0.5 * InDoubles.relativeErrors(y, wanted, 7);
                },
                values);
        weights.put(parameter.name(), values);
        float[] found = parameter.gradient().toFloats();
        double largest = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
        for (int i = 0; i < found.length; i++) {
          assertThat(Math.abs(found[i] - expected[i]) / largest).isLessThan(2e-5);
        }
      }
    }
  }

  private Tensor tensor(double[] values, int columns) {
    Tensor tensor = operators.allocate(values.length / columns, columns);
    float[] floats = new float[values.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) values[i];
    }
    tensor.write(floats, 0);
    return tensor;
  }

  @Test
  void sequencesThatCannotBeTrainedOnAreRefused() {
    try (TrainableModel model = model(20)) {
      Objective objective = new NextToken(operators);
      assertThatThrownBy(() -> new ModelTask(model, objective, List.of(new int[] {1, 19})))
          .hasMessage(
              "sequence 0 of the training data has token 19, and vocab_size of the model is 19;"
                  + " use the model's own tokenizer");
      assertThatThrownBy(() -> new ModelTask(model, objective, List.of(new int[13])))
          .hasMessage(
              "sequence 0 of the training data has 13 tokens; sequences have 2 to 12: cut it");
    }
  }
}
