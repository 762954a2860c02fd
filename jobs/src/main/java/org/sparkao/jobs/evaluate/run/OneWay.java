package org.sparkao.jobs.evaluate.run;

import org.sparkao.quant.QuantException;

/** Executors of a run compute alike to the bit: what it stores is stored under one way. */
public final class OneWay {
  private OneWay() {}

  /**
   * Refuses an executor that computes in another way than the one that was asked first.
   *
   * @param first its numerics and device; empty while nobody was asked
   * @param found those of another one
   * @throws QuantException naming both
   */
  public static void require(String first, String found) {
    if (!first.isEmpty() && !first.equals(found)) {
      throw new QuantException(
          "executors compute differently, and a run has one way: "
              + first
              + "; "
              + found
              + "; use executors of one kind");
    }
  }
}
