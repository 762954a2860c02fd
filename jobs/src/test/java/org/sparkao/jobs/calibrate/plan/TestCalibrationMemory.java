package org.sparkao.jobs.calibrate.plan;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.datasets.sample.BundledSample;
import org.sparkao.gpu.model.BlockInputs;
import org.sparkao.gpu.model.BlockRunner;
import org.sparkao.gpu.model.LanguageModels;
import org.sparkao.gpu.model.ModelConfig;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.LocalFiles;
import org.sparkao.quant.observe.InputObserver.Products;

/** The heap of a task, counted by hand in blocks' statistics. */
class TestCalibrationMemory {
  @TempDir private static Path folder;
  private static Checkpoint checkpoint;
  private static ModelConfig model;
  private static List<BlockInputs> blocks;

  @BeforeAll
  static void open() throws IOException {
    LocalFiles files = LocalFiles.of(BundledSample.copyCheckpointTo(folder));
    checkpoint = Checkpoint.open(files);
    model = LanguageModels.inspect(checkpoint, files);
    blocks = BlockRunner.inspect(checkpoint, files);
  }

  private static CalibrationPlan plan(int groups) {
    CalibrateOptions options =
        new CalibrateOptions(
            groups, 4, groups, Products.SUMMED, CalibrateOptions.Cache.LEFT, 0, Sequential.NONE);
    List<int[]> sequences = Collections.nCopies(groups, new int[4]);
    return new CalibrationPlan(model, 0, blocks, sequences, "", options);
  }

  private static long oneBlock() {
    return CalibrationMemory.of(plan(1), 1).sums();
  }

  /** One task's groups make one node, of each of three blocks that are being written. */
  @ParameterizedTest
  @CsvSource({
    "16, '0 16', 3",
    // Another task's node is read, and two were added up.
    "16, '0 8 16', 6",
    // Thrice groups 5 | 6 7 | 8 9, and six nodes of the others: one of each of five levels and one;
    // a total.
    "16, '0 5 10 16', 17",
    // One group each, thrice, and at most six of the fifteen others; two totals.
    "16, '0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16', 11"
  })
  void blocksOnTheHeapBesideAGpu(int groups, String firsts, int expected) {
    int[] tasks = List.of(firsts.split(" ")).stream().mapToInt(Integer::parseInt).toArray();
    assertThat(CalibrationMemory.onGpu(plan(groups), tasks).sums())
        .isEqualTo(expected * oneBlock());
  }

  @Test
  void hiddenStatesAreThoseOfTheTask() {
    long sequence = 4L * Float.BYTES * model.sizes().hidden();
    assertThat(CalibrationMemory.onGpu(plan(16), new int[] {0, 5, 10, 16}).hidden())
        .isEqualTo(6 * sequence);
    assertThat(CalibrationMemory.of(plan(16), 6).hidden()).isEqualTo(6 * sequence);
  }

  /** Matrices of the largest block, four bytes a number. */
  @Test
  void weightsOfTheNextBlockAreCounted() {
    long largest =
        blocks.stream()
            .mapToLong(
                block ->
                    checkpoint.tensors().stream()
                        .filter(tensor -> tensor.entry().name().startsWith(block.block() + "."))
                        .filter(tensor -> tensor.entry().shape().size() == 2)
                        .mapToLong(tensor -> tensor.entry().elements())
                        .sum())
            .max()
            .orElseThrow();
    CalibrationMemory memory = CalibrationMemory.onGpu(plan(16), new int[] {0, 16});
    assertThat(memory.ahead()).isEqualTo(4 * largest);
    assertThat(memory.bytes()).isEqualTo(memory.hidden() + memory.sums() + memory.ahead());
    assertThat(CalibrationMemory.of(plan(16), 16).ahead()).isZero();
  }
}
