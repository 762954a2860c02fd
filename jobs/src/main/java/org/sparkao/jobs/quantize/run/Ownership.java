package org.sparkao.jobs.quantize.run;

import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.quant.QuantException;

/**
 * The right to write an output, held by one driver at a time. Claims are numbered; the highest
 * number owns. A claim is created only when its number is free, so of several drivers that find a
 * dead owner, one succeeds it.
 */
final class Ownership implements AutoCloseable {
  private static final String PREFIX = "claim-";

  private final Folder output;
  private final int number;
  private Claim claim;

  private Ownership(Folder output, int number, Claim claim) {
    this.output = output;
    this.number = number;
    this.claim = claim;
  }

  /**
   * Takes the output.
   *
   * @param newRunId makes the name of a run that nobody has begun
   * @throws QuantException when another run, or another driver of this run, has it
   */
  static Ownership take(
      Folder output, String fingerprint, Optional<String> askedRunId, Supplier<String> newRunId)
      throws IOException {
    while (true) {
      Optional<Integer> highest = highest(output);
      Optional<Claim> last =
          highest.isPresent() ? read(output, highest.orElseThrow()) : Optional.empty();
      last.ifPresent(other -> requireMine(output, other, fingerprint, askedRunId));
      String runId = last.map(Claim::runId).or(() -> askedRunId).orElseGet(newRunId);
      Claim mine =
          Claim.ofThisProcess(
              runId, fingerprint, last.map(Claim::runStart).orElseGet(System::currentTimeMillis));
      int next = highest.orElse(0) + 1;
      if (output.create(name(next), mine.toJson())) {
        return new Ownership(output, next, mine);
      }
    }
  }

  private static void requireMine(
      Folder output, Claim other, String fingerprint, Optional<String> askedRunId) {
    if (other.alive()) {
      throw new QuantException(
          output.location()
              + ": run "
              + other.runId()
              + " is writing it now (process "
              + other.pid()
              + " on "
              + other.host()
              + "); wait for its end, or choose another --output");
    }
    if (!other.fingerprint().equals(fingerprint)) {
      throw new QuantException(
          output.location()
              + ": holds the unfinished run "
              + other.runId()
              + " of another recipe or another source; repeat that run's command, delete the"
              + " folder, or choose another --output");
    }
    if (askedRunId.isPresent() && !askedRunId.orElseThrow().equals(other.runId())) {
      throw new QuantException(
          output.location()
              + ": this work was begun as run "
              + other.runId()
              + "; leave out --run-id "
              + askedRunId.orElseThrow()
              + " to go on with it");
    }
  }

  private static Optional<Integer> highest(Folder output) throws IOException {
    return output.list(WorkFolder.NAME).stream()
        .filter(name -> name.matches(PREFIX + "\\d{6}\\.json"))
        .map(name -> Integer.valueOf(name.substring(PREFIX.length(), PREFIX.length() + 6)))
        .max(Integer::compare);
  }

  private static Optional<Claim> read(Folder output, int number) throws IOException {
    if (output.size(name(number)).isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        Claim.fromJson(output.location() + "/" + name(number), output.read(name(number))));
  }

  private static String name(int number) {
    return WorkFolder.NAME + "/" + PREFIX + String.format(Locale.ROOT, "%06d", number) + ".json";
  }

  /** Name of the run that goes on under this claim. */
  String runId() {
    return claim.runId();
  }

  /** When the first driver of the run took the output. */
  Instant runStart() {
    return Instant.ofEpochMilli(claim.runStart());
  }

  /** Whether a driver worked on this run before. */
  boolean resumed() {
    return number > 1;
  }

  /** Tells other machines that this driver lives. */
  synchronized void beat() throws IOException {
    requireStillMine();
    claim = claim.beating();
    output.replace(name(number), claim.toJson());
  }

  /**
   * To be asked before anything is made final.
   *
   * @throws IOException when another driver has taken over
   */
  synchronized void requireStillMine() throws IOException {
    int highest = highest(output).orElse(0);
    if (highest != number) {
      throw new IOException(
          output.location() + ": another driver has taken over run " + claim.runId());
    }
  }

  /** Gives the output up, so that it can be taken at once; nothing after it was finished. */
  @Override
  public synchronized void close() throws IOException {
    if (output.size(name(number)).isPresent()) {
      output.replace(name(number), claim.givenUp().toJson());
    }
  }

  /** Files of finished work that a killed driver may not have recorded. */
  static List<String> doneFiles(Folder output) throws IOException {
    return output.list(WorkFolder.NAME).stream().filter(WorkFolder::isDone).toList();
  }
}
