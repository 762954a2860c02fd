package org.sparkao.jobs.evaluate.plan;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Items that are computed together.
 *
 * @param items in order; their tokens fit into the budget, unless there is only one
 */
public record ItemBatch(List<ItemWork> items) implements Serializable {
  /** Freezes the list. */
  public ItemBatch {
    items = List.copyOf(items);
  }

  /** Tokens of all sequences. */
  public long tokens() {
    return items.stream().mapToLong(ItemWork::tokens).sum();
  }

  /**
   * Packs items: the longest first, so that neighbours are of like length and what needs most
   * memory comes at once; of equals the one that comes first in the plan. Items that are scored and
   * items that are continued are in batches of their own.
   *
   * @param budget most tokens of a batch
   */
  public static List<ItemBatch> pack(List<ItemWork> items, long budget) {
    Map<Boolean, List<ItemWork>> continued =
        items.stream().collect(Collectors.partitioningBy(item -> !item.prompts().isEmpty()));
    List<ItemBatch> batches = new ArrayList<>(packAlike(continued.get(true), budget));
    batches.addAll(packAlike(continued.get(false), budget));
    return batches;
  }

  private static List<ItemBatch> packAlike(List<ItemWork> items, long budget) {
    List<ItemWork> sorted = new ArrayList<>(items);
    sorted.sort(
        Comparator.comparingInt(ItemWork::longest).reversed().thenComparingInt(ItemWork::position));
    List<ItemBatch> batches = new ArrayList<>();
    List<ItemWork> open = new ArrayList<>();
    long tokens = 0;
    for (ItemWork item : sorted) {
      if (!open.isEmpty() && tokens + item.tokens() > budget) {
        batches.add(new ItemBatch(open));
        open.clear();
        tokens = 0;
      }
      open.add(item);
      tokens += item.tokens();
    }
    if (!open.isEmpty()) {
      batches.add(new ItemBatch(open));
    }
    return batches;
  }
}
