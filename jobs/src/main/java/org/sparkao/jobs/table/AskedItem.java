package org.sparkao.jobs.table;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * An item of an evaluation as people read it. Nothing is computed from it, and long texts are cut.
 *
 * @param question the end of what stands before the first continuation, or the beginning of a text
 *     that is scored whole; empty for a chunk of a text
 * @param choices beginnings of the texts to choose from; none where there is no choice
 * @param gold index of the right one; empty without choices
 * @param target the right text; empty for a text that is scored whole
 */
public record AskedItem(
    Optional<String> question, List<String> choices, OptionalLong gold, Optional<String> target) {
  /** Nothing that could be shown. */
  public static final AskedItem NOTHING =
      new AskedItem(Optional.empty(), List.of(), OptionalLong.empty(), Optional.empty());

  /** Freezes the list. */
  public AskedItem {
    choices = List.copyOf(choices);
  }
}
