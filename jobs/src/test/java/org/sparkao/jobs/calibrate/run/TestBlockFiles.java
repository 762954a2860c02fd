package org.sparkao.jobs.calibrate.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.storage.WorkFolder;
import org.sparkao.quant.observe.BlockSums;
import org.sparkao.quant.observe.InputObserver;
import org.sparkao.quant.observe.InputObserver.Products;
import org.sparkao.quant.observe.InputObserver.Source;
import org.sparkao.quant.observe.PairwiseSum;
import org.sparkao.quant.observe.PairwiseSum.Node;
import org.sparkao.quant.observe.Workers;

/** Sums of groups that tasks leave, one after the other or at the same time. */
class TestBlockFiles {
  private static final int GROUPS = 7;
  private static final int COLUMNS = 16;
  private static final String BLOCK = "model.layers.0";
  private static final String INPUT = BLOCK + ".mlp.gate_proj";
  private static final Map<String, float[]> AMAX = Map.of(INPUT, new float[COLUMNS]);

  @TempDir private Path folder;

  private static BlockSums group(int index) {
    Random random = new Random(index);
    float[] x = new float[5 * COLUMNS];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextGaussian();
    }
    InputObserver observer = new InputObserver(COLUMNS, Products.SUMMED);
    observer.add(x, 5, Source.ROUTED, Workers.CALLER);
    return new BlockSums(Map.of(INPUT, observer.sums()), Optional.empty());
  }

  private static Map<Node, BlockSums> groups(int first, int end) {
    PairwiseSum<BlockSums> sums = new PairwiseSum<>(GROUPS, BlockSums::merge);
    IntStream.range(first, end).forEach(index -> sums.add(new Node(0, index), group(index)));
    return sums.nodes();
  }

  private BlockFiles files(String name) throws IOException {
    Files.createDirectories(folder.resolve(name).resolve(WorkFolder.NAME));
    return new BlockFiles(
        Storage.ofAssignments(List.of()).folder(folder.resolve(name).toString()), GROUPS);
  }

  private byte[] content(String name) throws IOException {
    return Files.readAllBytes(folder.resolve(name).resolve(BLOCK + ".safetensors"));
  }

  private byte[] alone() throws IOException {
    files("alone").leave(BLOCK, groups(0, GROUPS), () -> AMAX);
    return content("alone");
  }

  @Test
  void theLastTaskKeepsNothing() throws IOException {
    BlockFiles files = files("two");
    files.leave(BLOCK, groups(0, 3), () -> AMAX);
    assertThat(files.finished(BLOCK)).isEmpty();
    assertThat(files.work())
        .containsExactly(
            "sums-" + BLOCK + "-0-2.safetensors", "sums-" + BLOCK + "-1-0.safetensors");
    files.leave(BLOCK, groups(3, GROUPS), () -> AMAX);
    assertThat(files.finished(BLOCK)).isPresent();
    assertThat(files.work()).containsExactly("done-" + BLOCK + ".json");
    assertThat(content("two")).isEqualTo(alone());
  }

  /** All was kept by attempts that ended before they could add it up. */
  @Test
  void whatWasKeptIsFinishedWithoutSumsOfOnesOwn() throws IOException {
    BlockFiles files = files("kept");
    files.keep(BLOCK, groups(0, 4));
    files.leave(BLOCK, Map.of(), () -> AMAX);
    assertThat(files.finished(BLOCK)).isEmpty();
    files.keep(BLOCK, groups(4, GROUPS));
    files.leave(BLOCK, Map.of(), () -> AMAX);
    assertThat(content("kept")).isEqualTo(alone());
  }

  @Test
  void tasksThatLeaveAtTheSameTime() throws IOException {
    byte[] alone = alone();
    for (int i = 0; i < 20; i++) {
      String name = "together" + i;
      BlockFiles files = files(name);
      List<CompletableFuture<Void>> tasks =
          List.of(left(files, 0, 2), left(files, 2, 5), left(files, 5, GROUPS));
      tasks.forEach(CompletableFuture::join);
      assertThat(files.finished(BLOCK)).isPresent();
      assertThat(content(name)).isEqualTo(alone);
    }
  }

  private static CompletableFuture<Void> left(BlockFiles files, int first, int end) {
    Map<Node, BlockSums> own = groups(first, end);
    return CompletableFuture.runAsync(
        () -> {
          try {
            files.leave(BLOCK, own, () -> AMAX);
          } catch (IOException e) {
            throw new IllegalStateException(e);
          }
        },
        work -> new Thread(work).start());
  }
}
