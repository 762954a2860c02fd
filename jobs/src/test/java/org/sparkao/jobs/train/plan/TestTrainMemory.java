package org.sparkao.jobs.train.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkao.datasets.sample.BundledSample;
import org.sparkao.gpu.device.DeviceInfo.Kind;
import org.sparkao.gpu.fake.FakeSettings.Ranges;
import org.sparkao.gpu.model.LanguageModels;
import org.sparkao.gpu.model.ModelConfig;
import org.sparkao.gpu.model.WeightLookup;
import org.sparkao.gpu.model.WeightLookups;
import org.sparkao.gpu.optimizer.StateFormat;
import org.sparkao.gpu.train.Float8;
import org.sparkao.gpu.train.TrainerSettings.Decay;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.LocalFiles;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.Numerics;

/**
 * Of the bundled model, which has 5 blocks: hidden 128, intermediate 384, 4 heads and 2 of keys of
 * 32, 1,536 tokens, head and embedding one. A block has 2 x 128 + 2 x 128 x 128 + 2 x 64 x 128 + 3
 * x 384 x 128 = 196,864 weights, the model 1,536 x 128 + 5 x 196,864 + 128 = 1,181,056.
 */
class TestTrainMemory {
  private static final long GIB = 1L << 30;
  private static final int SAMPLES = 20;
  private static final int TOKENS = 32;

  @TempDir private static Path folder;
  private static ModelConfig config;
  private static WeightLookup lookup;

  @BeforeAll
  static void open() throws IOException {
    LocalFiles files = LocalFiles.of(BundledSample.copyCheckpointTo(folder.resolve("model")));
    Checkpoint checkpoint = Checkpoint.open(files);
    config = LanguageModels.inspect(checkpoint, files);
    lookup = WeightLookups.of(checkpoint, files);
  }

  private static TrainOptions options(TrainMode mode, Kind device, String... more) {
    List<String> all = List.of(more);
    return new TrainOptions(
        mode,
        24,
        4,
        SAMPLES,
        TOKENS,
        1e-4,
        1e-4,
        0,
        all.contains("anchored") ? 0.1 : 0,
        all.contains("anchored") ? Decay.START : Decay.ZERO,
        0.999,
        1,
        StateFormat.FP32,
        all.contains("learned") ? Ranges.LEARNED : Ranges.COMPUTED,
        all.contains("frozen") ? "mlp" : "",
        all.contains("taught") ? 1 : 0,
        0,
        all.contains("hidden") ? 1 : 0,
        Numerics.TORCHAO,
        0,
        Averaging.NONE,
        TrainCompute.of(device, Optional.empty(), Float8.NONE),
        all.contains("zeros"),
        all.contains("student") ? BlockInputs.STUDENT : BlockInputs.TEACHER);
  }

  private static TrainMemory planned(TrainMode mode, Kind device, String... more) {
    return TrainMemory.of(config, lookup, options(mode, device, more), true);
  }

  /**
   * Two blocks in fp32 are 2 x 4 x 196,864 bytes; a number a trained weight says whether it stays
   * zero, in fp32 on the processor and in bf16 on GPUs; values to decay to are fp32. Without the
   * 147,456 weights of the MLP 49,408 are left.
   */
  @ParameterizedTest
  @CsvSource({
    "CPU, none, 1574912",
    "CUDA, none, 1574912",
    "CPU, zeros, 2362368",
    "CUDA, zeros, 1968640",
    "CPU, anchored, 2362368",
    "CUDA, anchored zeros, 2756096",
    "CPU, zeros frozen, 1772544",
    "CUDA, zeros frozen, 1673728"
  })
  void whichWeightsOfABlockStayZeroTakesANumberEach(Kind device, String more, long weights) {
    assertThat(planned(TrainMode.BLOCK, device, more.split(" ")).weights()).isEqualTo(weights);
  }

  /** 4 x 1,181,056 bytes for the student, as many for zeros in fp32, and for the teacher. */
  @ParameterizedTest
  @CsvSource({
    "CPU, none, 4724224",
    "CPU, zeros, 9448448",
    "CPU, zeros taught, 14172672",
    "CUDA, zeros, 7086336",
    "CUDA, zeros taught, 11810560"
  })
  void aModelHasItsTeacherBesideIt(Kind device, String more, long weights) {
    assertThat(planned(TrainMode.MODEL, device, more.split(" ")).weights()).isEqualTo(weights);
  }

  /** Outputs of all five blocks instead of two hidden states in turn, 4 x 32 x 128 numbers each. */
  @ParameterizedTest
  @CsvSource({"CPU, 262144", "CUDA, 131072"})
  void aTeacherWhoseHiddenStatesAreComparedKeepsThem(Kind device, long bytes) {
    long taught = planned(TrainMode.MODEL, device, "taught").activations();
    assertThat(planned(TrainMode.MODEL, device, "taught", "hidden").activations() - taught)
        .isEqualTo(bytes);
  }

  /**
   * Hidden states of all sequences are 20 x 32 x 128 numbers. Inputs and outputs of a block lie on
   * the heap; blocks that read the student have them on the device.
   */
  @ParameterizedTest
  @CsvSource({
    "CPU, none, 655360, 0", "CUDA, none, 327680, 0",
    "CPU, student, 655360, 0", "CUDA, student, 0, 327680"
  })
  void hiddenStatesOfAllSequences(Kind device, String more, long onTheHeap, long onTheGpu) {
    TrainMemory memory = planned(TrainMode.BLOCK, device, more);
    assertThat(memory.samples()).isEqualTo(onTheHeap);
    long others = planned(TrainMode.BLOCK, device).activations();
    assertThat(memory.activations() - others).isEqualTo(onTheGpu);
  }

  /** Scales that are learned need the gradients of their weights, which are not trained here. */
  @ParameterizedTest
  @CsvSource({"frozen, 197632", "frozen learned, 787456"})
  void learnedScalesNeedGradients(String more, long gradients) {
    TrainMemory memory = planned(TrainMode.BLOCK, Kind.CPU, more.split(" "));
    assertThat(memory.gradients()).isEqualTo(gradients);
  }

  /**
   * Fake inputs of four layers, 128 + 128 + 128 + 384 numbers for each of 4 x 32 tokens, and fake
   * weights, 128 x (256 + 128 + 3 x 384).
   */
  @ParameterizedTest
  @CsvSource({"CPU, 1179648", "CUDA, 589824"})
  void withoutASchemeNothingIsFake(Kind device, long fake) {
    TrainOptions options = options(TrainMode.BLOCK, device, "zeros");
    TrainMemory plain = TrainMemory.of(config, lookup, options, false);
    TrainMemory quantized = TrainMemory.of(config, lookup, options, true);
    assertThat(quantized.activations() - plain.activations()).isEqualTo(fake);
    assertThat(quantized.weights()).isEqualTo(plain.weights());
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void theOtherModeIsPlannedAlike(Kind device) {
    TrainMemory block = planned(TrainMode.BLOCK, device, "zeros");
    TrainMemory model = planned(TrainMode.MODEL, device, "zeros");
    assertThat(block.other()).isEqualTo(model.total());
    assertThat(model.other()).isEqualTo(block.total());
  }

  /** One task trains all blocks in order, however many GPUs share the heap. */
  @ParameterizedTest
  @CsvSource({"none, 8, 5", "none, 2, 2", "student, 8, 1"})
  void blocksThatReadTheStudentAreOneTask(String more, int wanted, int tasks) {
    TrainOptions options = options(TrainMode.BLOCK, Kind.CUDA, more);
    TrainMemory memory = TrainMemory.of(config, lookup, options, true);
    TrainPlan plan =
        new TrainPlan(
            config,
            Map.of(),
            DType.F32,
            List.of(),
            options,
            Optional.empty(),
            Optional.empty(),
            memory,
            "");
    assertThat(plan.blockTasks(wanted)).isEqualTo(tasks);
  }

  /** (640 + 3) x 3,339,787 numbers are 2,147,483,041: 606 fewer than an array may have. */
  @Test
  void arraysOfJavaHaveAnEnd() {
    TrainOptions options = options(TrainMode.BLOCK, Kind.CPU, "student");
    TrainPlanner.requireOneArray(options, 3_339_787);
    assertThatThrownBy(() -> TrainPlanner.requireOneArray(options, 3_339_788))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining(
            "--block-inputs student: 20 sequences of 32 hidden states of 3,339,788 numbers are more"
                + " than an array of Java holds")
        .hasMessageContaining("fewer --samples");
    TrainPlanner.requireOneArray(options(TrainMode.BLOCK, Kind.CPU), 3_339_788);
    TrainPlanner.requireOneArray(options(TrainMode.BLOCK, Kind.CUDA, "student"), 3_339_788);
  }

  /** 2 + 1 + 2 + 3 GiB on the device, 4 GiB of hidden states of all sequences. */
  private static TrainMemory memory(TrainMode mode, Kind device, long other) {
    TrainCompute compute = TrainCompute.of(device, Optional.empty(), Float8.NONE);
    return new TrainMemory(mode, compute, 2 * GIB, GIB, 2 * GIB, 3 * GIB, 4 * GIB, other);
  }

  @Test
  void theProcessorHoldsEverythingOnTheHeap() {
    TrainMemory memory = memory(TrainMode.BLOCK, Kind.CPU, 20 * GIB);
    memory.require(12 * GIB, Long.MAX_VALUE, 1);
    assertThatThrownBy(() -> memory.require(12 * GIB - 1, Long.MAX_VALUE, 1))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("--mode block: a task needs 12.9 GB: 2.15 GB of weights")
        .hasMessageContaining("and the heap has 12.9 GB")
        .hasMessageContaining("SPARKAO_MEMORY");
  }

  @Test
  void hiddenStatesOfAllSequencesStayOnTheHeapOfGpus() {
    TrainMemory memory = memory(TrainMode.BLOCK, Kind.CUDA, 6 * GIB);
    memory.require(4 * GIB, 8 * GIB, 1);
    // Two tasks, each on a GPU of its own, share the heap.
    memory.require(8 * GIB, 8 * GIB, 2);
    assertThatThrownBy(() -> memory.require(7 * GIB, 8 * GIB, 2))
        .hasMessageContaining("2 of them may run in one executor, and the heap has 7.52 GB");
    assertThatThrownBy(() -> memory.require(4 * GIB, 7 * GIB, 1))
        .hasMessageContaining("and the GPU has 7.52 GB; --mode model needs 6.44 GB and fits");
    assertThatThrownBy(() -> memory.require(3 * GIB, 8 * GIB, 1))
        .hasMessageContaining("and the heap has 3.22 GB; give executors more memory");
  }

  @Test
  void workersMayShareAGpu() {
    TrainMemory memory = memory(TrainMode.MODEL, Kind.CUDA, 6 * GIB);
    memory.require(8 * GIB, 16 * GIB, 2);
    assertThatThrownBy(() -> memory.require(8 * GIB, 15 * GIB, 2))
        .hasMessageContaining("2 of them may run in one executor, and the GPU has 16.1 GB")
        .hasMessageContaining("fewer --workers");
  }
}
