package org.sparkao.jobs.calibrate.run;

import java.io.IOException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.sparkao.quant.observe.BlockSums;
import org.sparkao.quant.observe.PairwiseSum.Node;

/**
 * Tasks of a calibration that work in this JVM at the same time, on a GPU each, bring what they saw
 * of a block together, so that none of it goes through a file. Whoever comes last leaves it for all
 * of them; the others wait, and fail if that fails. A task that ended is not waited for. Spark
 * gives no way from a task to its neighbours: hence static.
 */
final class Neighbours {
  private static final Map<String, Neighbours> OF_OUTPUTS = new HashMap<>();

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Set<Place> present = new HashSet<>();
  private final Map<String, Round> rounds = new HashMap<>();

  private Neighbours() {}

  /** A task begins; it closes its place when it ends, however that is. */
  static Place join(String output) {
    synchronized (OF_OUTPUTS) {
      return OF_OUTPUTS.computeIfAbsent(output, name -> new Neighbours()).place(output);
    }
  }

  private Place place(String output) {
    lock.lock();
    try {
      Place place = new Place(output);
      present.add(place);
      return place;
    } finally {
      lock.unlock();
    }
  }

  /** What tasks brought of a block. */
  private static final class Round {
    private final Map<Node, BlockSums> sums = new TreeMap<>();
    private final CompletableFuture<Void> left = new CompletableFuture<>();
    private boolean begun;
  }

  /** What is done with all that was brought. */
  @FunctionalInterface
  interface Leaving {
    /** Leaves it. */
    void leave(Map<Node, BlockSums> sums) throws IOException;
  }

  /** Whether everybody who is here has come to a block, or past it. */
  private boolean together(String block) {
    return present.stream().allMatch(place -> place.passed.contains(block));
  }

  /** A task among its neighbours. Any thread of the task may use it. */
  final class Place implements AutoCloseable {
    private final String output;
    private final Set<String> passed = new HashSet<>();

    private Place(String output) {
      this.output = output;
    }

    /** The task has nothing to bring of a block. */
    void pass(String block) {
      lock.lock();
      try {
        passed.add(block);
        changed.signalAll();
      } finally {
        lock.unlock();
      }
    }

    /**
     * Brings what the task saw of a block; returns when it is left.
     *
     * @param own theirs from then on who leave it
     * @param leaving how all of it is left
     */
    void bring(String block, Map<Node, BlockSums> own, Leaving leaving) throws IOException {
      Round round;
      boolean last;
      lock.lock();
      try {
        round = rounds.computeIfAbsent(block, name -> new Round());
        round.sums.putAll(own);
        passed.add(block);
        changed.signalAll();
        while (!round.begun && !together(block)) {
          changed.awaitUninterruptibly();
        }
        last = !round.begun;
        if (last) {
          round.begun = true;
          rounds.remove(block);
        }
      } finally {
        lock.unlock();
      }
      if (last) {
        leave(round, leaving);
      } else {
        await(round);
      }
    }

    @Override
    public void close() {
      synchronized (OF_OUTPUTS) {
        lock.lock();
        try {
          present.remove(this);
          changed.signalAll();
          if (present.isEmpty()) {
            OF_OUTPUTS.remove(output, Neighbours.this);
          }
        } finally {
          lock.unlock();
        }
      }
    }
  }

  private static void leave(Round round, Leaving leaving) throws IOException {
    try {
      leaving.leave(round.sums);
      round.left.complete(null);
    } catch (IOException | RuntimeException | Error e) {
      round.left.completeExceptionally(e);
      throw e;
    }
  }

  private static void await(Round round) throws IOException {
    try {
      round.left.join();
    } catch (CompletionException e) {
      throw new IOException("a task beside this one could not leave sums: " + e.getCause(), e);
    }
  }
}
