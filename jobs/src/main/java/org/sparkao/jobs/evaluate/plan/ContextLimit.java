package org.sparkao.jobs.evaluate.plan;

/**
 * How much a model gets at once.
 *
 * @param tokens most tokens that it reads of a sequence; the last one of a sequence is predicted
 *     and not read, so that a sequence has one more
 * @param tooLong what becomes of longer ones
 */
public record ContextLimit(int tokens, TooLong tooLong) {
  /** Refuses less than two tokens. */
  public ContextLimit {
    if (tokens < 2) {
      throw new IllegalArgumentException("a context of " + tokens + " tokens");
    }
  }
}
