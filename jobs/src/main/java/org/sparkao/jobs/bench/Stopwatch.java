package org.sparkao.jobs.bench;

import java.util.Arrays;
import org.sparkao.jobs.table.BenchmarkRow.Timing;

/** Measures work of this JVM by the wall clock. */
final class Stopwatch {
  /** The compilers of the JVM have seen the loops by then. */
  private static final long WARM_UP_NANOS = 500_000_000;

  private Stopwatch() {}

  /** The median of so many runs, after a warm-up of half a second. */
  static Timing median(int repeats, Runnable work) {
    long begin = System.nanoTime();
    do {
      work.run();
    } while (System.nanoTime() - begin < WARM_UP_NANOS);
    double[] micros = new double[repeats];
    for (int i = 0; i < repeats; i++) {
      long start = System.nanoTime();
      work.run();
      micros[i] = (System.nanoTime() - start) / 1e3;
    }
    return median(micros);
  }

  /** The median of these, which it sorts. */
  static Timing median(double[] micros) {
    Arrays.sort(micros);
    int repeats = micros.length;
    double upper = micros[repeats / 2];
    return new Timing(repeats % 2 == 1 ? upper : (micros[repeats / 2 - 1] + upper) / 2, repeats);
  }
}
