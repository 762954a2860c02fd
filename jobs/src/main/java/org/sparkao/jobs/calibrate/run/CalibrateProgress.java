package org.sparkao.jobs.calibrate.run;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import org.sparkao.gpu.model.BlockInputs;
import org.sparkao.jobs.job.Texts;

/** How far a calibration is, as its output folder says. */
final class CalibrateProgress {
  private final BlockFiles files;
  private final List<BlockInputs> blocks;
  private final Function<BlockInputs, List<String>> parts;
  private final long tokens;
  private final long start = System.nanoTime();
  private final double begun;
  private String last = "";

  /**
   * What is there already does not count as done now.
   *
   * @param parts of a block, names under which their sums are kept
   */
  CalibrateProgress(
      BlockFiles files,
      List<BlockInputs> blocks,
      Function<BlockInputs, List<String>> parts,
      long tokens)
      throws IOException {
    this.files = files;
    this.blocks = blocks;
    this.parts = parts;
    this.tokens = tokens;
    List<String> work = files.work();
    this.begun = blocks.stream().mapToDouble(block -> share(block, work)).sum();
  }

  private double share(BlockInputs block, List<String> work) {
    return files.progress(block.block(), parts.apply(block), work);
  }

  /** One line; the one before while the folder does not answer. */
  synchronized String line() {
    try {
      List<String> work = files.work();
      double done = 0;
      int finished = 0;
      for (BlockInputs block : blocks) {
        double share = share(block, work);
        done += share;
        finished += share == 1 ? 1 : 0;
      }
      double seconds = (System.nanoTime() - start) / 1e9;
      last = line(finished, blocks.size(), done, done - begun, seconds, tokens);
    } catch (IOException e) {
      return last;
    }
    return last;
  }

  /**
   * The line.
   *
   * @param done blocks, and parts of blocks
   * @param now of them, what was done in so many seconds
   */
  static String line(
      int finished, int blocks, double done, double now, double seconds, long tokens) {
    double rate = now / Math.max(seconds, 1e-3);
    String left =
        now <= 0
            ? ""
            : ", "
                + Texts.duration(Duration.ofSeconds(Math.round((blocks - done) / rate)))
                + " left";
    return String.format(
        Locale.ROOT,
        "%3d%%  %d of %d blocks, %s tokens/s through all%s",
        (int) (100 * done / blocks),
        finished,
        blocks,
        Texts.count(Math.round(rate / blocks * tokens)),
        left);
  }
}
