package org.sparkao.jobs.quantize.run;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.sparkao.jobs.spark.Background;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.WorkFolder;
import org.sparkao.quant.QuantException;

/**
 * The right to write an output, held by one driver at a time. Claims are numbered; the highest
 * number owns. A claim is created only when its number is free, so of several drivers that find a
 * dead owner, one succeeds it; where a store lets two create it, the one that stands in the file
 * owns, and the other finds out before it makes anything final. From the claim to its end a thread
 * says that this driver lives, whatever else the driver does.
 */
public final class Ownership implements AutoCloseable {
  /** What drivers use. */
  public static final Pace PACE = new Pace(Duration.ofSeconds(10), Claim.SILENCE.dividedBy(6));

  private static final String PREFIX = "claim-";
  private static final long LOOK_AGAIN_MILLIS = 100;

  /** Written in turn, so that one of them is whole at any moment, whatever replacing means. */
  private static final int BEAT_FILES = 2;

  private final Folder output;
  private final int number;
  private final Claim claim;
  private final Background life = new Background();
  private final List<Consumer<String>> listeners = new ArrayList<>();
  private Optional<String> silence = Optional.empty();
  private int beats;

  private Ownership(Folder output, int number, Claim claim) {
    this.output = output;
    this.number = number;
    this.claim = claim;
  }

  /**
   * How long drivers wait.
   *
   * @param patience a claim that stays unreadable for longer was left so by a driver that died
   * @param pause between signs of life
   */
  public record Pace(Duration patience, Duration pause) {}

  /** That another driver has the output, which no second attempt changes. */
  public static final class LostException extends IOException {
    private static final long serialVersionUID = 1;

    private LostException(String message) {
      super(message);
    }
  }

  /**
   * Takes the output, and lives until {@link #finish} or {@link #close}.
   *
   * @param askedRunId name that the user wants the run to have
   * @param newRunId makes the name of a run that nobody has begun
   * @throws QuantException when another run, or another driver of this run, has it
   */
  public static Ownership take(
      Folder output,
      String fingerprint,
      Optional<String> askedRunId,
      Supplier<String> newRunId,
      Pace pace)
      throws IOException, InterruptedException {
    while (true) {
      int highest = highest(output).orElse(0);
      Optional<Claim> last = last(output, highest, pace.patience());
      if (last.isPresent()) {
        requireMine(output, last.orElseThrow(), fingerprint, askedRunId);
      }
      String runId = last.map(Claim::runId).or(() -> askedRunId).orElseGet(newRunId);
      Claim mine =
          Claim.ofThisProcess(
              runId, fingerprint, last.map(Claim::runStart).orElseGet(System::currentTimeMillis));
      Ownership taken = new Ownership(output, highest + 1, mine);
      if (output.create(name(highest + 1), mine.toJson()) && taken.isMine()) {
        Heartbeat heartbeat = new Heartbeat(taken::beat, pace.pause());
        taken.life.start("heartbeat", heartbeat::run, taken::silent);
        return taken;
      }
    }
  }

  /**
   * Who writes an output now: run, process and machine; empty when nobody does.
   *
   * @param patience how long a claim may be unreadable
   */
  public static Optional<String> holder(Folder output, Duration patience)
      throws IOException, InterruptedException {
    Optional<Claim> last = last(output, highest(output).orElse(0), patience);
    return last.isPresent() && last.orElseThrow().alive(lastBeat(output, last.orElseThrow()))
        ? last.map(Ownership::text)
        : Optional.empty();
  }

  private static String text(Claim claim) {
    return "run " + claim.runId() + " (process " + claim.pid() + " on " + claim.host() + ")";
  }

  /** Forgets all claims and what else is unfinished, when nothing is left to go on with. */
  public void finish() throws IOException {
    requireStillMine();
    // A beat after the end would make the folder anew.
    life.end();
    output.abortUploads();
    output.delete(WorkFolder.NAME);
  }

  /** Whom to tell, at once, that this driver has lost the output or cannot say that it lives. */
  public void whenLost(Consumer<String> listener) {
    Optional<String> already;
    synchronized (this) {
      listeners.add(listener);
      already = silence;
    }
    already.ifPresent(listener);
  }

  private void silent(String why) {
    List<Consumer<String>> told;
    synchronized (this) {
      silence = Optional.of(why);
      told = List.copyOf(listeners);
    }
    told.forEach(listener -> listener.accept(why));
  }

  /** The claim of the highest number that can be read. */
  private static Optional<Claim> last(Folder output, int highest, Duration patience)
      throws IOException, InterruptedException {
    for (int number = highest; number > 0; number--) {
      long end = System.nanoTime() + patience.toNanos();
      do {
        Optional<Claim> claim = read(output, name(number)).flatMap(Claim::fromJson);
        if (claim.isPresent()) {
          return claim;
        }
        Thread.sleep(LOOK_AGAIN_MILLIS);
      } while (System.nanoTime() < end);
    }
    return Optional.empty();
  }

  private static void requireMine(
      Folder output, Claim other, String fingerprint, Optional<String> askedRunId)
      throws IOException {
    if (other.alive(lastBeat(output, other))) {
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

  private static Optional<Claim.Beat> lastBeat(Folder output, Claim other) throws IOException {
    Optional<Claim.Beat> last = Optional.empty();
    for (int i = 0; i < BEAT_FILES; i++) {
      Optional<Claim.Beat> beat =
          read(output, beatName(other.driver(), i)).flatMap(Claim.Beat::fromJson);
      if (beat.isPresent()
          && Comparator.comparing(Claim.Beat::released)
                  .thenComparing(Claim.Beat::millis)
                  .compare(beat.orElseThrow(), last.orElse(beat.orElseThrow()))
              >= 0) {
        last = beat;
      }
    }
    return last;
  }

  private static Optional<Integer> highest(Folder output) throws IOException {
    return output.list(WorkFolder.NAME).stream()
        .filter(name -> name.matches(PREFIX + "\\d{6}\\.json"))
        .map(name -> Integer.valueOf(name.substring(PREFIX.length(), PREFIX.length() + 6)))
        .max(Integer::compare);
  }

  /** Nothing for a file that is not there, now or any more. */
  private static Optional<byte[]> read(Folder output, String name) throws IOException {
    try {
      return Optional.of(output.read(name));
    } catch (NoSuchFileException | FileNotFoundException e) {
      return Optional.empty();
    }
  }

  private static String name(int number) {
    return WorkFolder.NAME + "/" + PREFIX + String.format(Locale.ROOT, "%06d", number) + ".json";
  }

  private static String beatName(String driver, int i) {
    return WorkFolder.NAME + "/beat-" + driver + "-" + i + ".json";
  }

  /** Name of the run that goes on under this claim. */
  public String runId() {
    return claim.runId();
  }

  /** Tells the work of this driver from that of others on the same run. */
  public String attempt() {
    return resumed() ? runId() + ", driver " + number : runId();
  }

  /** When the first driver of the run took the output. */
  public Instant runStart() {
    return Instant.ofEpochMilli(claim.runStart());
  }

  /** Whether a driver worked on this run before. */
  public boolean resumed() {
    return number > 1;
  }

  /** One sign of life. */
  synchronized void beat() throws IOException {
    requireNotTaken();
    say(false);
  }

  private void say(boolean released) throws IOException {
    output.replace(beatName(claim.driver(), beats++ % BEAT_FILES), claim.beat(released).toJson());
  }

  /**
   * To be asked before anything is made final.
   *
   * @throws LostException when another driver has taken over
   * @throws IOException when others may take this driver for dead
   */
  public synchronized void requireStillMine() throws IOException {
    requireNotTaken();
    if (silence.isPresent()) {
      throw new IOException(output.location() + ": " + silence.orElseThrow());
    }
  }

  private void requireNotTaken() throws IOException {
    if (!isMine()) {
      throw new LostException(
          output.location() + ": another driver has taken over run " + claim.runId());
    }
  }

  /** Whether no other driver has taken over. */
  public synchronized boolean isMine() throws IOException {
    return highest(output).orElse(0) == number
        && read(output, name(number))
            .flatMap(Claim::fromJson)
            .filter(there -> there.driver().equals(claim.driver()))
            .isPresent();
  }

  /** Gives the output up, so that it can be taken at once; nothing after it was finished. */
  @Override
  public void close() throws IOException {
    life.end();
    if (output.size(name(number)).isPresent()) {
      say(true);
    }
  }

  /** Files of finished work that a killed driver may not have recorded. */
  static List<String> doneFiles(Folder output) throws IOException {
    return output.list(WorkFolder.NAME).stream().filter(WorkFolder::isDone).toList();
  }
}
