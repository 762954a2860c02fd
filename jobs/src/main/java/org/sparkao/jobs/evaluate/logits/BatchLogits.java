package org.sparkao.jobs.evaluate.logits;

import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparkao.gpu.model.LanguageModel.LogitsSink;
import org.sparkao.jobs.evaluate.plan.ItemBatch;
import org.sparkao.jobs.evaluate.plan.ItemWork;
import org.sparkao.jobs.storage.Folder;

/**
 * The logits of a batch while it is scored. They come item by item, so that one item's files are
 * open at a time. For one thread; the caller closes it.
 */
public final class BatchLogits implements Closeable {
  private final Folder folder;
  private final LogitsFolder where;
  private final Map<Integer, ItemNames> names;
  private final List<ItemWork> owners = new ArrayList<>();
  private final Map<Integer, Agreement> agreements = new HashMap<>();
  private Optional<ItemLogits> open = Optional.empty();
  private long last = -1;

  /**
   * Of a batch.
   *
   * @param folder the files' own
   * @param names of each item's files, by its position in the plan
   */
  public BatchLogits(
      Folder folder, LogitsFolder where, ItemBatch batch, Map<Integer, ItemNames> names) {
    this.folder = folder;
    this.where = where;
    this.names = Map.copyOf(names);
    for (ItemWork item : batch.items()) {
      item.sequences().forEach(sequence -> owners.add(item));
    }
  }

  /**
   * Takes what a call of the model says.
   *
   * @param firstSequence of the call, counted in the batch
   */
  public LogitsSink sink(int firstSequence) {
    return (sequence, position, logits) -> {
      try {
        long place = ((long) firstSequence + sequence) << Integer.SIZE | position;
        if (place <= last) {
          throw new IllegalStateException("logits of " + place + " after those of " + last);
        }
        last = place;
        accept(owners.get(firstSequence + sequence), logits);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    };
  }

  private void accept(ItemWork item, float[] logits) throws IOException {
    if (open.isEmpty()) {
      open = Optional.of(new ItemLogits(folder, where, names.get(item.position()), item));
    }
    ItemLogits current = open.get();
    current.accept(logits);
    if (current.isComplete()) {
      current.finish().ifPresent(agreement -> agreements.put(item.position(), agreement));
      close();
    }
  }

  /** How an item agrees with the base; empty without a base. */
  public Optional<Agreement> agreement(int position) {
    return Optional.ofNullable(agreements.get(position));
  }

  @Override
  public void close() throws IOException {
    if (open.isPresent()) {
      open.get().close();
      open = Optional.empty();
    }
  }
}
