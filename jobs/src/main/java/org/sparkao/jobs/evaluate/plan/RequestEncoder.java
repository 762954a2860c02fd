package org.sparkao.jobs.evaluate.plan;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.sparkao.datasets.task.Generation;
import org.sparkao.datasets.task.Request;
import org.sparkao.datasets.tokenizer.SpecialTokens;
import org.sparkao.datasets.tokenizer.Tokenizer;
import org.sparkao.quant.QuantException;

/**
 * Requests to tokens by the rules of lm-evaluation-harness 0.4.13 ({@code _encode_pair}, {@code
 * get_rolling_token_windows}).
 */
final class RequestEncoder {
  private final Tokenizer tokenizer;
  private final ContextLimit limit;
  private final OptionalInt prefix;
  private final String prefixText;

  RequestEncoder(Tokenizer tokenizer, ContextLimit limit) {
    this.tokenizer = tokenizer;
    this.limit = limit;
    SpecialTokens special = tokenizer.specialTokens();
    this.prefix = special.bos().isPresent() ? special.bos() : special.eos();
    this.prefixText =
        prefix.isPresent() ? tokenizer.decodeWithSpecialTokens(new int[] {prefix.getAsInt()}) : "";
  }

  /**
   * A continuation after a context: both are encoded together, and the continuation's tokens are
   * what the whole has more than the context alone. An empty context is the token that begins (or
   * else ends) a text.
   *
   * @param contexts tokens of the contexts that were encoded already; gets this one
   */
  RequestTokens pair(Request request, Map<String, Integer> contexts, String origin) {
    Request moved = request.spacesMoved();
    int[] whole;
    int contextLength;
    if (moved.context().isEmpty()) {
      int[] continuation = tokenizer.encode(moved.continuation());
      whole =
          continuation.length > 0 && continuation[0] == prefix(origin)
              ? continuation
              : prepend(prefix(origin), continuation);
      contextLength = 1;
    } else {
      whole = encode(moved.context() + moved.continuation());
      contextLength = contexts.computeIfAbsent(moved.context(), context -> encode(context).length);
    }
    int scored = whole.length - contextLength;
    if (scored < 1) {
      throw new QuantException(
          origin + ": \"" + moved.continuation() + "\" adds no token to its context");
    }
    if (scored > limit.tokens()) {
      throw new QuantException(
          origin
              + ": its continuation has "
              + scored
              + " tokens, the model reads "
              + limit.tokens()
              + " at most; leave the item out of the data");
    }
    int cut = Math.max(0, whole.length - (limit.tokens() + 1));
    if (cut > 0) {
      requireCutting(origin, whole.length);
    }
    int[] kept = Arrays.copyOfRange(whole, cut, whole.length);
    TokenSequence sequence = new TokenSequence(kept, kept.length - scored);
    return new RequestTokens(List.of(sequence), sequence.firstScored(), scored, cut);
  }

  /**
   * A prompt to be continued. It leaves room for the continuation: what is longer is cut on the
   * left, as in the harness.
   */
  PromptTokens prompt(Request request, String origin) {
    Generation how = request.generation().orElseThrow();
    int room = limit.tokens() - how.maxTokens();
    if (room < 1) {
      throw new QuantException(
          origin
              + ": may generate "
              + how.maxTokens()
              + " tokens, the model reads "
              + limit.tokens()
              + " in all");
    }
    int[] ids = encode(request.context());
    int cut = Math.max(0, ids.length - room);
    if (cut > 0) {
      requireCutting(origin, ids.length + how.maxTokens());
    }
    return new PromptTokens(
        Arrays.copyOfRange(ids, cut, ids.length),
        how.until(),
        tokenizer.specialTokens().endOfGeneration().stream()
            .mapToInt(Integer::intValue)
            .sorted()
            .toArray(),
        how.maxTokens(),
        cut);
  }

  private void requireCutting(String origin, int tokens) {
    if (limit.tooLong() == TooLong.REFUSE) {
      throw new QuantException(
          origin
              + ": has "
              + tokens
              + " tokens, the model reads "
              + limit.tokens()
              + "; --too-long truncate cuts its context on the left, as lm-evaluation-harness does");
    }
  }

  /**
   * A text scored whole: its first window begins with the prefix token, every later one ends where
   * the text or its share of it ends and is filled up on the left. Every token is scored once.
   */
  RequestTokens rolling(String text, String origin) {
    int[] tokens = encode(text);
    if (tokens.length == 0) {
      throw new QuantException(origin + ": has no tokens");
    }
    int most = limit.tokens();
    List<TokenSequence> windows = new ArrayList<>();
    int first = Math.min(most, tokens.length);
    windows.add(new TokenSequence(prepend(prefix(origin), Arrays.copyOf(tokens, first)), 1));
    for (int done = first; done < tokens.length; ) {
      int scored = Math.min(tokens.length - done, most);
      int end = done + scored;
      int[] window = Arrays.copyOfRange(tokens, end - most - 1, end);
      windows.add(new TokenSequence(window, window.length - scored));
      done = end;
    }
    return new RequestTokens(windows, 1, tokens.length, 0);
  }

  /** Chunks of equal length, the tail dropped, each scored from its second token on. */
  List<RequestTokens> chunks(String text, int length, String origin) {
    if (length > limit.tokens() + 1) {
      throw new QuantException(
          origin
              + ": is cut into chunks of "
              + length
              + " tokens, the model reads "
              + limit.tokens());
    }
    int[] tokens = encode(text);
    List<RequestTokens> chunks = new ArrayList<>();
    for (int begin = 0; begin + length <= tokens.length; begin += length) {
      int[] chunk = Arrays.copyOfRange(tokens, begin, begin + length);
      chunks.add(new RequestTokens(List.of(new TokenSequence(chunk, 1)), 1, length - 1, 0));
    }
    if (chunks.isEmpty()) {
      throw new QuantException(
          origin + ": has " + tokens.length + " tokens, less than one chunk of " + length);
    }
    return chunks;
  }

  /** With the tokens that the tokenizer puts around a text, unless the text spells them out. */
  private int[] encode(String text) {
    return !prefixText.isEmpty() && text.startsWith(prefixText)
        ? tokenizer.encode(text)
        : tokenizer.encodeWithSpecialTokens(text);
  }

  private int prefix(String origin) {
    return prefix.orElseThrow(
        () ->
            new QuantException(
                origin
                    + ": needs a token to begin with, and the tokenizer has neither one that begins"
                    + " nor one that ends a text"));
  }

  private static int[] prepend(int first, int[] rest) {
    int[] all = new int[rest.length + 1];
    all[0] = first;
    System.arraycopy(rest, 0, all, 1, rest.length);
    return all;
  }
}
