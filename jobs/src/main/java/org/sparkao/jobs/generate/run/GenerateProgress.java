package org.sparkao.jobs.generate.run;

import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.sparkao.jobs.job.Texts;

/** How far the sampling is. */
final class GenerateProgress {
  private final int samples;
  private final long start = System.nanoTime();
  private final AtomicInteger done = new AtomicInteger();
  private final AtomicLong tokens = new AtomicLong();

  GenerateProgress(int samples) {
    this.samples = samples;
  }

  void finished(int moreSamples, long moreTokens) {
    done.addAndGet(moreSamples);
    tokens.addAndGet(moreTokens);
  }

  String line() {
    return line(done.get(), samples, tokens.get(), (System.nanoTime() - start) / 1e9);
  }

  /** New tokens a second; what is left takes as long a sample as what is done. */
  static String line(int done, int samples, long tokens, double seconds) {
    String left =
        done == 0
            ? ""
            : ", "
                + Texts.duration(
                    Duration.ofMillis(Math.round(1000 * seconds * (samples - done) / done)))
                + " left";
    return String.format(
        Locale.ROOT,
        "%3d%%  %s of %s samples, %s tokens/s%s",
        samples == 0 ? 100 : 100L * done / samples,
        Texts.count(done),
        Texts.count(samples),
        Texts.count(Math.round(tokens / Math.max(seconds, 1e-3))),
        left);
  }
}
