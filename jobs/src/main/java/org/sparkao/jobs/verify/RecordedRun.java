package org.sparkao.jobs.verify;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Provenance;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.TableRow;
import org.sparkao.jobs.table.TensorRow;

/**
 * What the tables know of the run that wrote a checkpoint.
 *
 * @param note a line for the user: which run, or why none
 * @param rule the check against it; empty when there is nothing to check against
 */
record RecordedRun(String note, Optional<Rule> rule) {

  /** Looks up a checkpoint's run. */
  static RecordedRun of(Folder checkpoint, Config config) throws IOException {
    Optional<String> runId = Provenance.runId(checkpoint);
    if (runId.isEmpty()) {
      return new RecordedRun(
          "hashes: not checked, the folder does not say that sparkao wrote it", Optional.empty());
    }
    String tables = config.value(CommonKeys.TABLES);
    Storage storage = Storage.ofAssignments(config.all(CommonKeys.CONF));
    List<RecordedPart> parts = read(runId.get(), new DeltaStore(storage, tables));
    return parts.isEmpty()
        ? unknown(runId.get(), tables)
        : new RecordedRun(
            "hashes: " + parts.size() + " tensors compared with run " + runId.get(),
            Optional.of(new HashRule(runId.get(), parts)));
  }

  private static RecordedRun unknown(String runId, String tables) {
    return new RecordedRun(
        "hashes: not checked, run " + runId + " is not in the tables at " + tables,
        Optional.empty());
  }

  private static List<RecordedPart> read(String runId, DeltaStore tables) throws IOException {
    List<RecordedPart> parts = new ArrayList<>();
    for (TableRow row : tables.read(TensorRow.TABLE, runId)) {
      for (TensorRow.Part part : TensorRow.parts(row)) {
        parts.add(
            new RecordedPart(part.name(), row.text("output_file"), part.bytes(), part.sha256()));
      }
    }
    return parts;
  }
}
