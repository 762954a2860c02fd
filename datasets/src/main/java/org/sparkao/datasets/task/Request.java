package org.sparkao.datasets.task;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The smallest thing that a model computes: the log-likelihood of a continuation after a context,
 * or the text that it generates after a context.
 *
 * @param context what stands before, examples included; empty for a text scored from its beginning
 * @param continuation what is scored; empty if a text is generated
 * @param generation how a text is generated; empty if a continuation is scored
 */
public record Request(String context, String continuation, Optional<Generation> generation) {

  /** Refuses a request that scores nothing, or both scores and generates. */
  public Request {
    if (continuation.isEmpty() && generation.isEmpty()) {
      throw new IllegalArgumentException("the continuation after \"" + context + "\" is empty");
    }
    if (!continuation.isEmpty() && generation.isPresent()) {
      throw new IllegalArgumentException(
          "either \"" + continuation + "\" is scored or a text is generated, not both");
    }
    if (context.isEmpty() && generation.isPresent()) {
      throw new IllegalArgumentException("the context to generate after is empty");
    }
  }

  /** The log-likelihood of a continuation. */
  public Request(String context, String continuation) {
    this(context, continuation, Optional.empty());
  }

  /** The text that a model generates after a context. */
  public static Request generating(String context, Generation generation) {
    return new Request(context, "", Optional.of(generation));
  }

  /**
   * SHA-256 (lower-case hex) of the canonical JSON ({@link CanonicalJson}) of {@code
   * [context,continuation]}, or of {@code [context,{"until":[...],"max_gen_toks":n}]}: equal
   * requests have equal hashes, whatever task asks them.
   */
  public String hash() {
    Object asked =
        generation
            .<Object>map(how -> Map.of("until", how.until(), "max_gen_toks", how.maxTokens()))
            .orElse(continuation);
    return CanonicalJson.sha256(List.of(context, asked));
  }

  /**
   * The same request as it is tokenized: whitespace at the end of the context belongs to the
   * continuation, because tokens begin with their space (the harness's {@code _encode_pair}). The
   * context and the whole are then encoded, and the continuation's ids are what the whole has more.
   * A context to generate after stays as it is.
   */
  public Request spacesMoved() {
    if (generation.isPresent()) {
      return this;
    }
    int end = PythonText.stripTrailing(context).length();
    return new Request(context.substring(0, end), context.substring(end) + continuation);
  }
}
