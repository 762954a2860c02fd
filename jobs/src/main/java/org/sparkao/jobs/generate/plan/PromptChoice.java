package org.sparkao.jobs.generate.plan;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.sparkao.datasets.tokenizer.Tokenizer;
import org.sparkao.gpu.layer.Philox;
import org.sparkao.quant.QuantException;

/**
 * Which prompt a sample has: it follows from the seed and the sample's number, whatever the number
 * of samples.
 *
 * @param tokenizer stays the caller's
 * @param seed of all random bits
 */
record PromptChoice(Tokenizer tokenizer, long seed) {
  /** Random tokens that are not special, each behind the token that begins a text, if any. */
  List<Prompt> random(int samples) {
    Set<Integer> special = tokenizer.specialTokens().all();
    int[] usable =
        IntStream.range(0, tokenizer.vocabularySize())
            .filter(id -> !special.contains(id))
            .toArray();
    List<Prompt> prompts = new ArrayList<>();
    int[] before = beginning("a");
    for (int sample = 0; sample < samples; sample++) {
      long bits = Philox.bits(seed, Philox.Purpose.FIRST_TOKEN, sample, 0);
      int token = usable[(int) Philox.below(bits, usable.length)];
      prompts.add(Prompt.random(joined(before, new int[] {token}, 1)));
    }
    return prompts;
  }

  /**
   * The first tokens of texts in a random order, each text once before any is used again.
   *
   * @param tokens of a text; shorter ones are left out
   */
  List<Prompt> ofTexts(PromptFile file, List<PromptText> texts, int tokens, int samples) {
    List<Prompt> found = new ArrayList<>();
    int longest = 0;
    for (int index : order(texts.size())) {
      PromptText text = texts.get(index);
      int[] ids = tokenizer.encode(text.text());
      longest = Math.max(longest, ids.length);
      if (ids.length >= tokens) {
        int[] all = joined(beginning(text.text()), ids, tokens);
        found.add(new Prompt(all, file.uri(), text.offset()));
      }
      if (found.size() == samples) {
        return found;
      }
    }
    if (found.isEmpty()) {
      throw new QuantException(
          "--prompts "
              + file.uri()
              + ": none of its "
              + texts.size()
              + " texts has "
              + tokens
              + " tokens (the longest has "
              + longest
              + "); choose a smaller --prompt-tokens");
    }
    return IntStream.range(0, samples).mapToObj(i -> found.get(i % found.size())).toList();
  }

  private List<Integer> order(int texts) {
    long[] keys = new long[texts];
    for (int i = 0; i < texts; i++) {
      keys[i] = Philox.bits(seed, Philox.Purpose.PROMPT, i, 0);
    }
    return IntStream.range(0, texts)
        .boxed()
        .sorted(Comparator.comparingLong(i -> keys[i]))
        .toList();
  }

  /** What the tokenizer puts before a text. */
  private int[] beginning(String text) {
    int[] with = tokenizer.encodeWithSpecialTokens(text);
    int bos = tokenizer.specialTokens().bos().orElse(-1);
    return with.length > 0 && with[0] == bos ? new int[] {bos} : new int[0];
  }

  private static int[] joined(int[] before, int[] ids, int count) {
    return IntStream.concat(IntStream.of(before), IntStream.of(ids).limit(count)).toArray();
  }
}
