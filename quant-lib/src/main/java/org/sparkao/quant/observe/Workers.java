package org.sparkao.quant.observe;

import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/** Runs pieces of work that do not depend on each other. */
@FunctionalInterface
public interface Workers {
  /** One piece after the other, in the caller's thread. */
  Workers CALLER =
      (pieces, piece) -> {
        for (int i = 0; i < pieces; i++) {
          piece.accept(i);
        }
      };

  /** All cores of this machine, the caller's thread among them. */
  Workers ALL_CORES =
      (pieces, piece) -> {
        AtomicInteger next = new AtomicInteger();
        int threads = Math.min(pieces, ForkJoinPool.getCommonPoolParallelism() + 1);
        // Each thread takes the next piece when it is done with one: pieces differ in length.
        IntStream.range(0, threads)
            .parallel()
            .forEach(
                thread -> {
                  for (int i = next.getAndIncrement(); i < pieces; i = next.getAndIncrement()) {
                    piece.accept(i);
                  }
                });
      };

  /** Runs pieces 0 to {@code pieces - 1}, in any order, and returns when all are done. */
  void run(int pieces, IntConsumer piece);
}
