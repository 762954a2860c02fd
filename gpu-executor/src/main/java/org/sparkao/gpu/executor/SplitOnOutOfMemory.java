package org.sparkao.gpu.executor;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparkao.gpu.GpuErrors;
import org.sparkao.gpu.OutOfDeviceMemoryException;

/** Runs work whose memory may not suffice: what does not fit is done in smaller pieces. */
final class SplitOnOutOfMemory {
  private static final Logger LOG = LoggerFactory.getLogger(SplitOnOutOfMemory.class);

  private final LongAdder splits = new LongAdder();

  /**
   * See {@link GpuExecutor#withSplitOnOutOfMemory}.
   *
   * @return results of the pieces, in the order of the work
   */
  <W, R> List<R> run(W work, Function<W, List<W>> split, Function<W, R> run) {
    Deque<W> waiting = new ArrayDeque<>();
    waiting.push(work);
    List<R> results = new ArrayList<>();
    while (!waiting.isEmpty()) {
      W piece = waiting.pop();
      try {
        results.add(run.apply(piece));
      } catch (OutOfDeviceMemoryException e) {
        pushHalves(piece, split.apply(piece), waiting, e);
      }
    }
    return results;
  }

  /** How often work was split. */
  long splits() {
    return splits.sum();
  }

  private <W> void pushHalves(
      W piece, List<W> halves, Deque<W> waiting, OutOfDeviceMemoryException reason) {
    if (halves.size() < 2) {
      OutOfDeviceMemoryException refusal =
          new OutOfDeviceMemoryException(GpuErrors.cannotSplit(piece, reason.getMessage()));
      refusal.initCause(reason);
      throw refusal;
    }
    splits.increment();
    LOG.info("{} is split into {} pieces: {}", piece, halves.size(), reason.getMessage());
    for (int i = halves.size() - 1; i >= 0; i--) {
      waiting.push(halves.get(i));
    }
  }
}
