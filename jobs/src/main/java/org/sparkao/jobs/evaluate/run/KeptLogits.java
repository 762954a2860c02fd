package org.sparkao.jobs.evaluate.run;

import java.io.IOException;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import org.sparkao.jobs.evaluate.logits.LogitsFile;
import org.sparkao.jobs.evaluate.logits.LogitsFolder;
import org.sparkao.jobs.evaluate.logits.LogitsRequest;
import org.sparkao.jobs.evaluate.plan.PlannedItem;
import org.sparkao.jobs.job.Texts;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.EvalItemRow.Key;
import org.sparkao.quant.QuantException;

/** The files of logits of a run, from the driver. */
final class KeptLogits {
  private final LogitsRequest request;
  private final LogitsFolder folder;
  private final Storage storage;
  private final Set<String> files;

  private KeptLogits(
      LogitsRequest request, LogitsFolder folder, Storage storage, Set<String> files) {
    this.request = request;
    this.folder = folder;
    this.storage = storage;
    this.files = files;
  }

  /** Makes the folder where logits are kept, and looks what is there. */
  static KeptLogits prepare(LogitsRequest request, String runId, Storage storage)
      throws IOException {
    LogitsFolder folder = request.folder(runId);
    if (request.keeping() == LogitsRequest.Keeping.NOTHING) {
      return new KeptLogits(request, folder, storage, Set.of());
    }
    folder.prepare(storage);
    return new KeptLogits(request, folder, storage, folder.names(storage));
  }

  /** Whether an item's logits are there, if they are to be kept. */
  boolean has(PlannedItem item, Key key) {
    return !request.keeps(item.work())
        || files.contains(LogitsFile.of(key.id(), item.work(), request.vocabulary()).name());
  }

  /**
   * Refuses what the file system has no room for.
   *
   * @param missing items whose files will be written
   */
  void requireRoom(List<PlannedItem> missing) throws IOException {
    long needed = request.bytes(missing);
    OptionalLong free =
        needed == 0 ? OptionalLong.empty() : storage.folder(folder.location()).freeBytes();
    if (free.isPresent() && free.getAsLong() < needed) {
      throw new QuantException(
          folder.location()
              + ": --store-logits needs "
              + Texts.bytes(needed)
              + ", free are "
              + Texts.bytes(free.getAsLong())
              + "; give a --limit, or other --tables");
    }
  }

  /** Deletes what attempts that were killed have left. */
  void finish() throws IOException {
    if (request.keeping() == LogitsRequest.Keeping.LOGITS) {
      folder.deleteParts(storage);
    }
  }
}
