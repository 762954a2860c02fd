package org.sparkao.gpu.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.model.ExpertObserver.Shown;
import org.sparkao.gpu.model.cpu.CpuModelOperators;
import org.sparkao.quant.observe.Workers;
import org.sparkao.quant.safetensors.DType;

/** A block in parts against the block as a whole. */
class TestPartwiseBlock {
  private static BlockRunner open(ModelOperators operators, TinyModel model, ModelWeights weights) {
    return BlockRunner.open(
        new BlockRunner.Context(operators, model.config(), Workers.CALLER), weights, 64);
  }

  /** Part by part, all sequences through one before the next: the same bits, the same inputs. */
  @ParameterizedTest
  @ValueSource(strings = {"llama", "qwen3-biases", "mixtral"})
  void partsMakeTheBlock(String name) {
    TinyModel model = TinyModel.read(name);
    ModelWeights weights = ModelWeights.of(model.config(), model);
    try (ModelOperators operators = new CpuModelOperators(CpuDevice.open(), 2);
        BlockRunner runner = open(operators, model, weights)) {
      List<int[]> sequences = List.of(model.ids(), new int[] {5, 6, 7});
      List<HiddenStates> whole = runner.embed(sequences);
      List<HiddenStates> parts = runner.embed(sequences);
      for (int layer = 0; layer < weights.layers().size(); layer++) {
        List<Keeper> expected = List.of(new Keeper(Shown.ROUTED), new Keeper(Shown.ROUTED));
        int index = layer;
        runner.blocks(
            layer + 1,
            (number, block) -> {
              for (int i = 0; i < whole.size() && number == index; i++) {
                block.run(whole.get(i), expected.get(i));
              }
            });
        try (PartwiseBlock block = runner.partwise(layer)) {
          runParts(block, BlockInputs.of(weights.layers().get(layer)), parts, expected);
        }
        for (int i = 0; i < whole.size(); i++) {
          assertThat(parts.get(i).bytes()).isEqualTo(whole.get(i).bytes());
        }
      }
    }
  }

  private static void runParts(
      PartwiseBlock block, BlockInputs inputs, List<HiddenStates> states, List<Keeper> expected) {
    List<Keeper> found = List.of(new Keeper(Shown.ROUTED), new Keeper(Shown.ROUTED));
    for (int part = 0; part < inputs.parts().size(); part++) {
      block.load(part, Map.of());
      for (int i = 0; i < states.size(); i++) {
        block.show(part, states.get(i), found.get(i));
        block.run(part, states.get(i), found.get(i));
      }
    }
    for (int i = 0; i < states.size(); i++) {
      assertThat(found.get(i).heads).isEqualTo(expected.get(i).heads);
      assertThat(found.get(i).inputs.keySet()).isEqualTo(expected.get(i).inputs.keySet());
      for (BlockInputs.Input input : inputs.inputs()) {
        assertThat(found.get(i).seen(input)).isEqualTo(expected.get(i).seen(input));
      }
    }
  }

  /** Everything that is shown where it lies, norms included, as bytes. */
  private static final class Recorder implements DeviceObserver {
    private final Map<String, List<ByteBuffer>> seen = new TreeMap<>();

    @Override
    public void input(String input, Buffer x, int rows, Optional<Norm> norm) {
      List<ByteBuffer> all = new ArrayList<>(List.of(bytes(x, x.bytes())));
      norm.ifPresent(one -> all.add(bytes(one.weight(), one.weight().bytes())));
      norm.ifPresent(one -> all.add(ByteBuffer.allocate(8).putDouble(one.epsilon()).flip()));
      assertThat(seen.put(input, all)).isNull();
    }

    @Override
    public boolean wantsHeads() {
      return true;
    }

    @Override
    public void heads(Buffer heads, int rows) {
      assertThat(seen.put("heads", List.of(bytes(heads, heads.bytes())))).isNull();
    }

    private static ByteBuffer bytes(Buffer from, long count) {
      ByteBuffer bytes = ByteBuffer.allocate((int) count);
      from.device().read(from, 0, bytes);
      return bytes.flip();
    }
  }

  /** Part by part where it lies, whichever sequence was the last there. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void partsShowWhatTheBlockShowsWhereItLies(boolean beside) {
    TinyModel model = TinyModel.read("qwen3-biases");
    ModelWeights weights = ModelWeights.of(model.config(), model);
    try (ModelOperators operators = new CpuModelOperators(CpuDevice.open(), 2);
        BlockRunner runner = open(operators, model, weights)) {
      // As long as the memory of a pass, so that all of it counts.
      HiddenStates whole = runner.embed(List.of(new int[64])).get(0);
      HiddenStates parts = whole.copy();
      Recorder expected = new Recorder();
      runner.blocks(1, (index, block) -> block.run(whole, expected));
      Recorder found = new Recorder();
      try (PartwiseBlock block = runner.partwise(0)) {
        for (int part = 0; part < 4; part++) {
          block.show(part, parts, found);
          block.load(part, Map.of());
          HiddenStates other = parts.copy();
          other.between(parts.between().remaining()).put(parts.between());
          block.run(part, parts, found);
          if (!beside) {
            block.run(part, other);
          }
        }
      }
      assertThat(found.seen).isEqualTo(expected.seen).hasSize(5);
      assertThat(parts.bytes()).isEqualTo(whole.bytes());
    }
  }

  /** Another part than the one that is loaded does not run, and replaced numbers count. */
  @Test
  void partsTakeOtherNumbers() {
    TinyModel model = TinyModel.read("llama");
    ModelWeights weights = ModelWeights.of(model.config(), model);
    LinearWeight output = weights.layers().get(0).output();
    StoredTensor zeros =
        new StoredTensor(
            output.name(),
            DType.F32,
            List.of((long) output.n(), (long) output.k()),
            () -> ByteBuffer.allocate(Float.BYTES * output.n() * output.k()));
    try (ModelOperators operators = new CpuModelOperators(CpuDevice.open(), 2);
        BlockRunner runner = open(operators, model, weights);
        PartwiseBlock block = runner.partwise(0)) {
      HiddenStates states = runner.embed(List.of(model.ids())).get(0);
      float[] before = runner.values(states);
      block.load(0, Map.of());
      assertThatThrownBy(() -> block.run(1, states)).hasMessage("part 1 is not loaded");
      block.run(0, states);
      block.load(1, Map.of(output.name(), zeros));
      block.run(1, states);
      assertThat(runner.values(states)).isEqualTo(before);
    }
  }
}
