package org.sparkao.jobs.train.run;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.sparkao.jobs.job.Texts;

/** How far a training is, as its work folder says. */
final class TrainProgress {
  private final UnitFiles files;
  private final List<Integer> units;
  private final int steps;
  private final long stepTokens;
  private final long start = System.nanoTime();
  private final long begun;
  private String last = "";

  /** What is there already does not count as done now. */
  TrainProgress(UnitFiles files, List<Integer> units, int steps, long stepTokens)
      throws IOException {
    this.files = files;
    this.units = units;
    this.steps = steps;
    this.stepTokens = stepTokens;
    this.begun = done();
  }

  private long done() throws IOException {
    long done = 0;
    for (int unit : units) {
      done += files.progress(unit);
    }
    return done;
  }

  /** One line; the one before while the folder does not answer. */
  synchronized String line() {
    try {
      double seconds = (System.nanoTime() - start) / 1e9;
      last = line(done(), (long) units.size() * steps, begun, seconds, stepTokens);
    } catch (IOException e) {
      return last;
    }
    return last;
  }

  /**
   * The line.
   *
   * @param begun of the steps that are done, those of earlier runs
   * @param seconds that the others took
   */
  static String line(long done, long steps, long begun, double seconds, long stepTokens) {
    double rate = Math.max(0, done - begun) / Math.max(seconds, 1e-3);
    String left =
        rate == 0
            ? ""
            : ", "
                + Texts.duration(Duration.ofSeconds(Math.round((steps - done) / rate)))
                + " left";
    return String.format(
        Locale.ROOT,
        "%3d%%  %s of %s steps, %s tokens/s%s",
        100 * done / steps,
        Texts.count(done),
        Texts.count(steps),
        Texts.count(Math.round(rate * stepTokens)),
        left);
  }
}
