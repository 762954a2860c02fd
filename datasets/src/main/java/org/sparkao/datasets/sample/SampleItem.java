package org.sparkao.datasets.sample;

import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import java.util.List;

/**
 * One multiple-choice item.
 *
 * @param id number from 0
 * @param kind what it asks
 * @param context the story and the beginning of its last sentence
 * @param endings four continuations, each beginning with a space and ending with a full stop
 * @param label index of the ending that follows from the story and the facts of its people
 */
@JsonPropertyOrder({"id", "kind", "context", "endings", "label"})
public record SampleItem(
    int id, SentenceKind kind, String context, List<String> endings, int label) {

  /** Number of endings of every item. */
  public static final int ENDINGS = 4;

  /** Checks the shape of the item. */
  public SampleItem {
    endings = List.copyOf(endings);
    if (endings.size() != ENDINGS || endings.stream().distinct().count() != ENDINGS) {
      throw new IllegalArgumentException(
          "item " + id + ": needs " + ENDINGS + " different endings, has " + endings);
    }
    if (label < 0 || label >= ENDINGS) {
      throw new IllegalArgumentException(
          "item " + id + ": label " + label + " is not an index of its " + ENDINGS + " endings");
    }
  }
}
