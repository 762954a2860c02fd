package org.sparkao.quant.observe;

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
  Workers ALL_CORES = (pieces, piece) -> IntStream.range(0, pieces).parallel().forEach(piece);

  /** Runs pieces 0 to {@code pieces - 1}, in any order, and returns when all are done. */
  void run(int pieces, IntConsumer piece);
}
