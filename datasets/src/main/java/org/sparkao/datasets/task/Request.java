package org.sparkao.datasets.task;

import java.util.List;

/**
 * The smallest thing that a model computes: the log-likelihood of a continuation after a context.
 *
 * @param context what stands before, examples included; empty for a text scored from its beginning
 * @param continuation what is scored
 */
public record Request(String context, String continuation) {

  /** Refuses a request that scores nothing. */
  public Request {
    if (continuation.isEmpty()) {
      throw new IllegalArgumentException("the continuation after \"" + context + "\" is empty");
    }
  }

  /**
   * SHA-256 (lower-case hex) of the canonical JSON ({@link CanonicalJson}) of {@code
   * [context,continuation]}: equal prompts have equal hashes, whatever task asks them.
   */
  public String hash() {
    return CanonicalJson.sha256(List.of(context, continuation));
  }

  /**
   * The same request as it is tokenized: whitespace at the end of the context belongs to the
   * continuation, because tokens begin with their space (the harness's {@code _encode_pair}). The
   * context and the whole are then encoded, and the continuation's ids are what the whole has more.
   */
  public Request spacesMoved() {
    int end = PythonText.stripTrailing(context).length();
    return new Request(context.substring(0, end), context.substring(end) + continuation);
  }
}
