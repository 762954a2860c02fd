package org.sparkao.jobs.evaluate.run;

import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import org.sparkao.jobs.job.Texts;

/** How far an evaluation is. */
final class EvaluateProgress {
  private final long items;
  private final long tokens;
  private final long start = System.nanoTime();
  private final AtomicLong itemsDone = new AtomicLong();
  private final AtomicLong tokensDone = new AtomicLong();

  EvaluateProgress(long items, long tokens) {
    this.items = items;
    this.tokens = tokens;
  }

  void finished(long moreItems, long moreTokens) {
    itemsDone.addAndGet(moreItems);
    tokensDone.addAndGet(moreTokens);
  }

  String line() {
    return line(itemsDone.get(), items, tokensDone.get(), tokens, seconds());
  }

  double seconds() {
    return (System.nanoTime() - start) / 1e9;
  }

  static String line(long items, long allItems, long tokens, long allTokens, double seconds) {
    double rate = tokens / Math.max(seconds, 1e-3);
    String left =
        tokens == 0
            ? ""
            : ", "
                + Texts.duration(Duration.ofSeconds(Math.round((allTokens - tokens) / rate)))
                + " left";
    return String.format(
        Locale.ROOT,
        "%3d%%  %s of %s items, %s tokens/s%s",
        allTokens == 0 ? 100 : tokens * 100 / allTokens,
        Texts.count(items),
        Texts.count(allItems),
        Texts.count(Math.round(rate)),
        left);
  }
}
