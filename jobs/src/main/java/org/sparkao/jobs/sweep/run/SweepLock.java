package org.sparkao.jobs.sweep.run;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import org.sparkao.jobs.evaluate.plan.Sha256;
import org.sparkao.jobs.job.Console;
import org.sparkao.jobs.job.RunNames;
import org.sparkao.jobs.quantize.run.Ownership;
import org.sparkao.jobs.quantize.run.Ownership.Pace;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.quant.QuantException;

/** The right to work at a sweep, which one driver has at a time; it is that of its folder. */
public final class SweepLock {
  private static final Duration LOOK_AGAIN = Duration.ofSeconds(2);

  private SweepLock() {}

  /** What a driver does that finds another one at work. */
  public enum Overlap {
    /** It ends. */
    REFUSE,
    /** It waits for its end. */
    WAIT
  }

  /**
   * Takes the folder.
   *
   * @param runId that the user wants the run to have
   * @return nothing when another driver has it and nobody wants to wait; the caller closes it
   */
  public static Optional<Ownership> take(
      Folder folder,
      String sweep,
      Optional<String> runId,
      Overlap overlap,
      Pace pace,
      Console console)
      throws IOException, InterruptedException {
    String fingerprint = new Sha256().line("sweep " + sweep).hex();
    boolean told = false;
    while (true) {
      Optional<String> holder = Ownership.holder(folder, pace.patience());
      if (holder.isEmpty()) {
        try {
          return Optional.of(
              Ownership.take(folder, fingerprint, runId, () -> RunNames.next("sweep"), pace));
        } catch (QuantException e) {
          // Another driver was faster, or it is refused for good.
          holder = Ownership.holder(folder, pace.patience());
          if (holder.isEmpty()) {
            throw e;
          }
        }
      }
      if (overlap == Overlap.REFUSE || !told) {
        String end = overlap == Overlap.REFUSE ? "; nothing was done" : "; waiting for its end";
        console.err().println("sweep " + sweep + ": " + holder.orElseThrow() + " is at it" + end);
        told = true;
      }
      if (overlap == Overlap.REFUSE) {
        return Optional.empty();
      }
      Thread.sleep(LOOK_AGAIN.toMillis());
    }
  }
}
