package org.sparkao.jobs.evaluate.plan;

import java.io.Serializable;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What an executor needs of an item.
 *
 * @param position of the item in the plan
 * @param requests what is scored, in order
 * @param prompts what is continued instead; of an item either these or requests
 */
public record ItemWork(int position, List<RequestTokens> requests, List<PromptTokens> prompts)
    implements Serializable {
  /** Freezes the lists. */
  public ItemWork {
    requests = List.copyOf(requests);
    prompts = List.copyOf(prompts);
  }

  /** All sequences that are scored, request by request. */
  public List<TokenSequence> sequences() {
    return requests.stream().flatMap(request -> request.sequences().stream()).toList();
  }

  /** Tokens of all sequences, and of all prompts with their continuations. */
  public long tokens() {
    return lengths().sum();
  }

  /** Tokens of the longest of them. */
  public int longest() {
    return lengths().max().orElse(0);
  }

  private IntStream lengths() {
    return IntStream.concat(
        sequences().stream().mapToInt(sequence -> sequence.ids().length),
        prompts.stream().mapToInt(PromptTokens::tokens));
  }

  /** Tokens that were cut off on the left. */
  public long cutTokens() {
    return requests.stream().mapToLong(RequestTokens::cutTokens).sum()
        + prompts.stream().mapToLong(PromptTokens::cutTokens).sum();
  }
}
