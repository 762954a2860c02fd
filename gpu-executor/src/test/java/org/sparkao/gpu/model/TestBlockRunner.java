package org.sparkao.gpu.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.model.ExpertObserver.Shown;
import org.sparkao.gpu.model.cpu.CpuModelOperators;
import org.sparkao.gpu.tensor.HostTensor;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.quant.checkpoint.CheckpointFiles;
import org.sparkao.quant.checkpoint.LocalFiles;
import org.sparkao.quant.observe.Workers;

/** What linear layers read, against products of the weights by plain loops in double. */
class TestBlockRunner {
  private static final double BOUND = 2e-4;

  static ModelOperators operators(String kind) {
    CpuDevice device = CpuDevice.open();
    return kind.equals("vector")
        ? new CpuModelOperators(device, 2)
        : new ReferenceModelOperators(device, Arithmetic.FP32);
  }

  @ParameterizedTest
  @ValueSource(strings = {"reference", "vector"})
  void storiesAgainstHiddenStatesOfTransformers(String kind) {
    assumeTrue(GoldenFile.shared("golden").isPresent(), "no ../shared");
    GoldenFile golden =
        GoldenFile.read(
            GoldenFile.shared("golden/llama").orElseThrow().resolve("llama.safetensors"));
    CheckpointFiles files = LocalFiles.of(GoldenFile.shared("models/stories260k").orElseThrow());
    ModelWeights weights =
        ModelWeights.of(
            LanguageModels.inspect(SharedModels.checkpoint(files), files),
            WeightLookups.of(SharedModels.checkpoint(files), files));
    int[] ids = golden.ints("prompt0.input_ids");
    try (ModelOperators operators = operators(kind);
        BlockRunner runner =
            BlockRunner.open(
                SharedModels.checkpoint(files), files, operators, 64, Workers.CALLER)) {
      HiddenStates states = runner.embed(List.of(ids)).get(0);
      runner.blocks(
          (index, block) -> {
            Keeper keeper = new Keeper(Shown.NOTHING);
            block.run(states, keeper);
            String before = index == 0 ? "embed" : "after_layer" + (index - 1);
            assertDense(
                weights.layers().get(index),
                keeper,
                golden.floats("prompt0.hidden." + before),
                golden.floats("prompt0.hidden.after_layer" + index));
            assertThat(keeper.heads).hasSize(ids.length * 128);
          });
    }
  }

  /** Every input follows from the one before it and from a weight. */
  private static void assertDense(
      LayerWeights layer, Keeper keeper, float[] before, float[] after) {
    LayerWeights.Dense dense = (LayerWeights.Dense) layer.feedForward();
    float[] normed = normed(before, layer.inputNorm());
    assertClose(keeper.inputs.get(layer.qkv().get(0).name()), normed);
    float[] middle = sum(times(layer.output(), keeper.inputs.get(layer.output().name())), before);
    float[] inner = keeper.inputs.get(dense.gate().name());
    assertClose(inner, normed(middle, layer.feedForwardNorm()));
    float[] down = keeper.inputs.get(dense.down().name());
    assertClose(down, swiglu(times(dense.gate(), inner), times(dense.up(), inner)));
    assertClose(sum(times(dense.down(), down), middle), after);
    assertThat(keeper.inputs).hasSize(4);
  }

  @ParameterizedTest
  @ValueSource(strings = {"reference", "vector"})
  void expertsSeeWhatTheRouterSends(String kind) {
    TinyModel model = TinyModel.read("mixtral");
    ModelWeights weights = ModelWeights.of(model.config(), model);
    int perToken = model.config().experts().orElseThrow().perToken();
    try (ModelOperators operators = operators(kind);
        BlockRunner runner = open(operators, model, weights)) {
      HiddenStates states = runner.embed(List.of(model.ids())).get(0);
      runner.blocks(
          (index, block) -> {
            LayerWeights.Routed routed =
                (LayerWeights.Routed) weights.layers().get(index).feedForward();
            Keeper keeper = new Keeper(Shown.ROUTED);
            block.run(states, keeper);
            float[] x = keeper.inputs.get(routed.router().name());
            List<List<Integer>> rows = chosen(times(routed.router(), x), routed, perToken);
            for (int expert = 0; expert < rows.size(); expert++) {
              assertExpert(routed.experts().get(expert), keeper, x, rows.get(expert));
            }
          });
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"reference", "vector"})
  void expertsAreShownAllTokensWithoutAnEffectOnTheResult(String kind) {
    TinyModel model = TinyModel.read("qwen3-moe");
    ModelWeights weights = ModelWeights.of(model.config(), model);
    try (ModelOperators operators = operators(kind);
        BlockRunner runner = open(operators, model, weights)) {
      HiddenStates states = runner.embed(List.of(model.ids())).get(0);
      List<Integer> all = IntStream.range(0, model.ids().length).boxed().toList();
      runner.blocks(
          (index, block) -> {
            LayerWeights.Routed routed =
                (LayerWeights.Routed) weights.layers().get(index).feedForward();
            HiddenStates plain = states.copy();
            Keeper keeper = new Keeper(Shown.ALL);
            block.run(states, keeper);
            block.run(plain);
            assertThat(states.bytes()).isEqualTo(plain.bytes());
            float[] x = keeper.inputs.get(routed.router().name());
            routed.experts().forEach(expert -> assertExpert(expert, keeper, x, all));
          });
    }
  }

  /** One sequence, then two of another length: the second of them is told no positions anew. */
  @ParameterizedTest
  @ValueSource(strings = {"reference", "vector"})
  void whereHiddenStatesLieChangesNoBit(String kind) {
    TinyModel model = TinyModel.read("mixtral");
    int[] ids = model.ids();
    List<int[]> sequences =
        List.of(ids, Arrays.copyOf(ids, 3), Arrays.copyOfRange(ids, ids.length - 3, ids.length));
    try (CpuDevice device = CpuDevice.open();
        ModelOperators operators = operators(kind);
        BlockRunner runner = open(operators, model, ModelWeights.of(model.config(), model))) {
      List<HiddenStates> onHost = runner.embed(sequences);
      int hidden = model.config().sizes().hidden();
      List<Tensor> onDevice =
          sequences.stream()
              .map(one -> (Tensor) HostTensor.allocate(device, one.length, hidden))
              .toList();
      runner.embed(sequences, onDevice::get);
      runner.blocks(
          (index, block) -> {
            onHost.forEach(block::run);
            onDevice.forEach(block::run);
          });
      for (int i = 0; i < sequences.size(); i++) {
        assertThat(onDevice.get(i).toFloats()).isEqualTo(runner.values(onHost.get(i)));
      }
    }
  }

  static BlockRunner open(ModelOperators operators, TinyModel model, ModelWeights weights) {
    return BlockRunner.open(
        new BlockRunner.Context(operators, model.config(), Workers.CALLER), weights, 64);
  }

  private static void assertExpert(
      Mixture.Expert expert, Keeper keeper, float[] x, List<Integer> rows) {
    if (rows.isEmpty()) {
      assertThat(keeper.inputs).doesNotContainKeys(expert.gate().name(), expert.down().name());
      return;
    }
    int k = expert.gate().k();
    float[] expected = new float[rows.size() * k];
    for (int i = 0; i < rows.size(); i++) {
      System.arraycopy(x, rows.get(i) * k, expected, i * k, k);
    }
    assertThat(keeper.rows).containsEntry(expert.gate().name(), rows.size());
    assertClose(keeper.inputs.get(expert.gate().name()), expected);
    assertClose(
        keeper.inputs.get(expert.down().name()),
        swiglu(times(expert.gate(), expected), times(expert.up(), expected)));
  }

  /** Rows of each expert: of every row, those with the largest logits. */
  private static List<List<Integer>> chosen(
      float[] logits, LayerWeights.Routed routed, int perToken) {
    int experts = routed.experts().size();
    List<List<Integer>> rows = new ArrayList<>();
    IntStream.range(0, experts).forEach(i -> rows.add(new ArrayList<>()));
    for (int row = 0; row < logits.length / experts; row++) {
      int first = row * experts;
      IntStream.range(0, experts)
          .boxed()
          .sorted((a, b) -> Float.compare(logits[first + b], logits[first + a]))
          .limit(perToken)
          .forEach(expert -> rows.get(expert).add(first / experts));
    }
    return rows;
  }

  @Test
  void sequencesDoNotDependOnEachOther() {
    TinyModel model = TinyModel.read("llama");
    ModelWeights weights = ModelWeights.of(model.config(), model);
    try (ModelOperators operators = operators("vector");
        BlockRunner runner = open(operators, model, weights)) {
      List<int[]> sequences = List.of(model.ids(), new int[] {5, 6, 7}, model.ids());
      List<HiddenStates> together = runner.embed(sequences);
      List<HiddenStates> alone = runner.embed(List.of(new int[] {5, 6, 7}));
      runner.blocks((index, block) -> together.forEach(block::run));
      runner.blocks((index, block) -> alone.forEach(block::run));
      assertThat(together.get(1).bytes()).isEqualTo(alone.get(0).bytes());
      assertThat(together.get(2).bytes()).isEqualTo(together.get(0).bytes());
    }
  }

  @Test
  void inputsOfABlock() throws IOException {
    TinyModel dense = TinyModel.read("llama");
    BlockInputs block = BlockInputs.of(ModelWeights.of(dense.config(), dense).layers().get(0));
    assertThat(block.block()).isEqualTo("model.layers.0");
    assertThat(block.experts()).isZero();
    assertThat(block.inputs())
        .extracting(BlockInputs.Input::modules)
        .containsExactly(
            modules("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
            modules("self_attn.o_proj"),
            modules("mlp.gate_proj", "mlp.up_proj"),
            modules("mlp.down_proj"));
    TinyModel routed = TinyModel.read("mixtral");
    BlockInputs experts = BlockInputs.of(ModelWeights.of(routed.config(), routed).layers().get(0));
    int count = routed.config().experts().orElseThrow().count();
    assertThat(experts.experts()).isEqualTo(count);
    assertThat(experts.inputs()).hasSize(3 + 2 * count);
    assertThat(experts.inputs().get(4).expert()).isEqualTo(OptionalInt.of(0));
    assertThat(experts.inputs().get(4).name())
        .isEqualTo("model.layers.0.block_sparse_moe.experts.0.w2");
  }

  private static List<String> modules(String... names) {
    return List.of(names).stream().map(name -> "model.layers.0." + name).toList();
  }

  @Test
  void columnsOfWeights() {
    TinyModel model = TinyModel.read("llama");
    ModelWeights weights = ModelWeights.of(model.config(), model);
    Set<String> seen = new HashSet<>();
    try (ModelOperators operators = operators("vector");
        BlockRunner runner = open(operators, model, weights)) {
      runner.blocks(
          (index, block) -> {
            Map<String, float[]> all = block.columnAmax();
            weights
                .layers()
                .get(index)
                .linears()
                .forEach(
                    weight -> {
                      float[] expected = new float[weight.k()];
                      float[] values = values(weight);
                      for (int i = 0; i < values.length; i++) {
                        int j = i % weight.k();
                        expected[j] = Math.max(expected[j], Math.abs(values[i]));
                      }
                      assertThat(all.get(weight.name())).isEqualTo(expected);
                      seen.add(weight.name());
                    });
          });
    }
    assertThat(seen).hasSize(7 * weights.layers().size());
  }

  private static float[] values(LinearWeight weight) {
    return values(((LinearWeight.Plain) weight.form()).values());
  }

  private static float[] values(StoredTensor tensor) {
    float[] values = new float[tensor.bytes().get().remaining() / Float.BYTES];
    tensor.bytes().get().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    return values;
  }

  /** x W^T. */
  private static float[] times(LinearWeight weight, float[] x) {
    float[] w = values(weight);
    int k = weight.k();
    float[] y = new float[x.length / k * weight.n()];
    for (int i = 0; i < y.length; i++) {
      double sum = 0;
      for (int j = 0; j < k; j++) {
        sum += (double) x[i / weight.n() * k + j] * w[i % weight.n() * k + j];
      }
      y[i] = (float) sum;
    }
    return y;
  }

  private static float[] normed(float[] x, StoredTensor weight) {
    float[] w = values(weight);
    float[] y = new float[x.length];
    for (int first = 0; first < x.length; first += w.length) {
      double squares = 0;
      for (int i = 0; i < w.length; i++) {
        squares += (double) x[first + i] * x[first + i];
      }
      for (int i = 0; i < w.length; i++) {
        y[first + i] = (float) (x[first + i] / Math.sqrt(squares / w.length + 1e-5) * w[i]);
      }
    }
    return y;
  }

  private static float[] swiglu(float[] gate, float[] up) {
    float[] y = new float[gate.length];
    for (int i = 0; i < y.length; i++) {
      y[i] = (float) (gate[i] / (1 + Math.exp(-gate[i])) * up[i]);
    }
    return y;
  }

  private static float[] sum(float[] a, float[] b) {
    float[] y = new float[a.length];
    for (int i = 0; i < y.length; i++) {
      y[i] = a[i] + b[i];
    }
    return y;
  }

  /** {@code found} may have room behind. */
  private static void assertClose(float[] found, float[] expected) {
    assertThat(found.length).isGreaterThanOrEqualTo(expected.length);
    for (int i = 0; i < expected.length; i++) {
      assertThat((double) found[i]).as("[" + i + "]").isCloseTo(expected[i], within(BOUND));
    }
  }
}
