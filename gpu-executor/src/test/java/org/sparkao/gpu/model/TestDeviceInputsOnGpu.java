package org.sparkao.gpu.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.MemoryBudget;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.model.ExpertObserver.Shown;
import org.sparkao.gpu.model.cuda.CudaModelOperators;
import org.sparkao.gpu.model.cuda.CudaModelOptions;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.observe.DeviceBlockObserver;
import org.sparkao.gpu.observe.ObserveScratch;
import org.sparkao.gpu.observe.SumsCheck;
import org.sparkao.gpu.tensor.CudaTensor;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.observe.BlockSums;
import org.sparkao.quant.observe.CacheSums;
import org.sparkao.quant.observe.InputObserver;
import org.sparkao.quant.observe.InputObserver.Products;
import org.sparkao.quant.observe.InputObserver.Source;
import org.sparkao.quant.observe.Workers;

/** What a GPU sees of the inputs of layers where they lie, against what it shows the host. */
@Tag("gpu")
class TestDeviceInputsOnGpu {
  private static final int TOKENS = 70;

  /** Statistics on the host. */
  private static final class HostObserver implements BlockObserver {
    private final Map<String, InputObserver> inputs = new LinkedHashMap<>();
    private final HeadShape shape;
    private final CacheSums cache;

    HostObserver(BlockInputs block, HeadShape shape) {
      for (BlockInputs.Input input : block.inputs()) {
        inputs.put(input.name(), new InputObserver(input.columns(), Products.SUMMED));
      }
      this.shape = shape;
      this.cache = new CacheSums(new float[shape.keyHeads()], new float[shape.keyHeads()]);
    }

    @Override
    public void input(String input, float[] x, int rows) {
      inputs.get(input).add(x, rows, Source.ROUTED, Workers.CALLER);
    }

    @Override
    public Shown shown(int expert) {
      return Shown.NOTHING;
    }

    @Override
    public boolean wantsHeads() {
      return true;
    }

    @Override
    public void heads(float[] values, int rows) {
      int d = shape.dimension();
      for (int row = 0; row < rows; row++) {
        for (int i = 0; i < 2 * shape.keyHeads() * d; i++) {
          float[] to = i < shape.keyHeads() * d ? cache.key() : cache.value();
          float value = values[row * shape.rowElements() + shape.queryElements() + i];
          int head = i / d % shape.keyHeads();
          to[head] = Math.max(to[head], Math.abs(value));
        }
      }
    }

    @Override
    public boolean wantsInputs() {
      return true;
    }
  }

  @ParameterizedTest
  @CsvSource({"llama, BF16", "llama, FP32", "qwen3, BF16", "qwen3, FP32"})
  void equalsWhatTheHostSees(String name, Arithmetic arithmetic) {
    WideModel model = new WideModel(name);
    ModelWeights weights = ModelWeights.of(model.config(), model);
    HeadShape shape = model.config().heads();
    List<BlockInputs> blocks = weights.layers().stream().map(BlockInputs::of).toList();
    try (CudaDevice device = CudaDevice.open(0, MemoryBudget.of(1L << 30));
        KernelLibrary library = KernelLibrary.of(device);
        ModelOperators operators = CudaModelOperators.of(library, CudaModelOptions.of(arithmetic));
        ObserveScratch scratch = new ObserveScratch(library, arithmetic, blocks, TOKENS);
        BlockRunner runner =
            BlockRunner.open(
                new BlockRunner.Context(operators, model.config(), Workers.CALLER),
                weights,
                TOKENS)) {
      HiddenStates states = runner.embed(List.of(ids())).get(0);
      runner.blocks(
          (index, block) -> {
            HostObserver host = new HostObserver(blocks.get(index), shape);
            HiddenStates again = states.copy();
            WeightType type = arithmetic == Arithmetic.BF16 ? WeightType.BF16 : WeightType.F32;
            int hidden = model.config().sizes().hidden();
            try (CudaTensor there = CudaTensor.allocate(device, type, TOKENS, hidden)) {
              runner.copy(states, there);
              block.run(there);
              block.run(states, host);
              assertThat(there.toFloats()).isEqualTo(runner.values(states));
            }
            try (DeviceBlockObserver seen =
                new DeviceBlockObserver(
                    scratch, blocks.get(index), Products.SUMMED, Optional.of(shape))) {
              try (CudaTensor there = CudaTensor.allocate(device, type, TOKENS, hidden);
                  DeviceBlockObserver seenThere =
                      new DeviceBlockObserver(
                          scratch, blocks.get(index), Products.SUMMED, Optional.of(shape))) {
                runner.copy(again, there);
                block.run(there, seenThere);
                assertThat(there.toFloats()).isEqualTo(runner.values(states));
                block.run(again, seen);
                assertThat(runner.values(again)).isEqualTo(runner.values(states));
                BlockSums sums = seen.sums();
                assertThat(seenThere.sums()).usingRecursiveComparison().isEqualTo(sums);
                assertSame(sums, host, arithmetic);
              }
            }
          });
    }
  }

  /** A block part by part, two sequences through each: the sums of the block as a whole. */
  @ParameterizedTest
  @CsvSource({"llama, BF16", "llama, FP32", "qwen3, BF16"})
  void partsShowWhatTheBlockShows(String name, Arithmetic arithmetic) {
    WideModel model = new WideModel(name);
    ModelWeights weights = ModelWeights.of(model.config(), model);
    HeadShape shape = model.config().heads();
    List<BlockInputs> blocks = weights.layers().stream().map(BlockInputs::of).toList();
    try (CudaDevice device = CudaDevice.open(0, MemoryBudget.of(1L << 30));
        KernelLibrary library = KernelLibrary.of(device);
        ModelOperators operators = CudaModelOperators.of(library, CudaModelOptions.of(arithmetic));
        ObserveScratch scratch = new ObserveScratch(library, arithmetic, blocks, TOKENS);
        BlockRunner runner =
            BlockRunner.open(
                new BlockRunner.Context(operators, model.config(), Workers.CALLER),
                weights,
                TOKENS);
        DeviceBlockObserver whole = observer(scratch, blocks.get(0), shape);
        DeviceBlockObserver parts = observer(scratch, blocks.get(0), shape)) {
      List<HiddenStates> states = runner.embed(List.of(ids(), new int[] {5, 6, 7}));
      List<HiddenStates> again = states.stream().map(HiddenStates::copy).toList();
      runner.blocks(1, (index, block) -> states.forEach(one -> block.run(one, whole)));
      try (PartwiseBlock block = runner.partwise(0)) {
        for (int i = 0; i < 4; i++) {
          int part = i;
          for (HiddenStates one : again) {
            if (part > 0) {
              block.run(part - 1, one, parts);
            }
            block.show(part, one, parts);
          }
          block.load(part, Map.of());
        }
        again.forEach(one -> block.run(3, one));
      }
      for (int i = 0; i < states.size(); i++) {
        assertThat(runner.values(again.get(i))).isEqualTo(runner.values(states.get(i)));
      }
      BlockSums expected = whole.sums();
      BlockSums found = parts.sums();
      assertThat(expected.inputs()).hasSize(4);
      assertThat(found.inputs()).containsOnlyKeys(expected.inputs().keySet());
      expected
          .inputs()
          .forEach(
              (input, sums) ->
                  assertThat(found.inputs().get(input)).usingRecursiveComparison().isEqualTo(sums));
      assertThat(found.cache()).usingRecursiveComparison().isEqualTo(expected.cache());
    }
  }

  private static DeviceBlockObserver observer(
      ObserveScratch scratch, BlockInputs block, HeadShape shape) {
    return new DeviceBlockObserver(scratch, block, Products.SUMMED, Optional.of(shape));
  }

  private static void assertSame(BlockSums found, HostObserver host, Arithmetic arithmetic) {
    assertThat(found.inputs()).hasSize(4).containsOnlyKeys(host.inputs.keySet());
    host.inputs.forEach(
        (input, observer) ->
            SumsCheck.assertSame(found.inputs().get(input), observer.sums(), arithmetic));
    assertThat(found.cache().orElseThrow().key()).isEqualTo(host.cache.key());
    assertThat(found.cache().orElseThrow().value()).isEqualTo(host.cache.value());
  }

  private static int[] ids() {
    int[] ids = new int[TOKENS];
    for (int i = 0; i < TOKENS; i++) {
      ids[i] = (5 * i * i + 3 * i) % 64;
    }
    return ids;
  }
}
