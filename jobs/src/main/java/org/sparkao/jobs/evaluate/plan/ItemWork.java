package org.sparkao.jobs.evaluate.plan;

import java.io.Serializable;
import java.util.List;

/**
 * What an executor needs of an item.
 *
 * @param position of the item in the plan
 * @param requests in order
 */
public record ItemWork(int position, List<RequestTokens> requests) implements Serializable {
  /** Freezes the list. */
  public ItemWork {
    requests = List.copyOf(requests);
  }

  /** All sequences, request by request. */
  public List<TokenSequence> sequences() {
    return requests.stream().flatMap(request -> request.sequences().stream()).toList();
  }

  /** Tokens of all sequences. */
  public long tokens() {
    return sequences().stream().mapToLong(sequence -> sequence.ids().length).sum();
  }

  /** Tokens of the longest sequence. */
  public int longest() {
    return sequences().stream().mapToInt(sequence -> sequence.ids().length).max().orElse(0);
  }

  /** Tokens that were cut off on the left. */
  public long cutTokens() {
    return requests.stream().mapToLong(RequestTokens::cutTokens).sum();
  }
}
