package org.sparkao.jobs.table;

import io.delta.kernel.Snapshot;
import io.delta.kernel.data.FilteredColumnarBatch;
import io.delta.kernel.data.Row;
import io.delta.kernel.engine.Engine;
import io.delta.kernel.internal.replay.CreateCheckpointIterator;
import io.delta.kernel.utils.CloseableIterator;
import java.io.IOException;
import java.net.URI;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.sparkao.jobs.storage.Folder;

/**
 * Files in the folder of a table that nobody needs: taken out of the table long ago, written by a
 * commit that never came about, or left by a writer of the log that was killed.
 *
 * @param folder of the table
 * @param before what was written or taken out later is needed: readers of older versions, and
 *     writers before their commit
 */
record UnusedFiles(Folder folder, Instant before) {
  private static final String PARTITION = TableFiles.PARTITION + "=";
  private static final String LOG = "_delta_log";

  /** Their names in the folder. */
  List<String> names(Engine engine, Snapshot snapshot) throws IOException {
    List<String> names = new ArrayList<>();
    for (String partition : folder.list("")) {
      if (partition.startsWith(PARTITION)) {
        addAll(partition, ".parquet", names);
      }
    }
    names.removeAll(needed(engine, snapshot));
    addAll(LOG, ".tmp", names);
    List<String> old = new ArrayList<>();
    for (String name : names) {
      if (folder.modified(name).filter(time -> time.isBefore(before)).isPresent()) {
        old.add(name);
      }
    }
    addChecksums(old);
    return old;
  }

  private void addAll(String in, String ending, List<String> names) throws IOException {
    folder.list(in).stream()
        .filter(name -> name.endsWith(ending))
        .forEach(name -> names.add(in + "/" + name));
  }

  /** Hadoop writes one beside each file of a local disk. */
  private void addChecksums(List<String> names) throws IOException {
    for (String name : List.copyOf(names)) {
      int file = name.lastIndexOf('/') + 1;
      String checksum = name.substring(0, file) + "." + name.substring(file) + ".crc";
      if (folder.size(checksum).isPresent()) {
        names.add(checksum);
      }
    }
  }

  /** Files of the newest version, and those taken out since. */
  private Set<String> needed(Engine engine, Snapshot snapshot) throws IOException {
    Set<String> needed = new HashSet<>();
    try (CloseableIterator<FilteredColumnarBatch> batches =
        new CreateCheckpointIterator(engine, snapshot.getLogSegment(), before.toEpochMilli())) {
      while (batches.hasNext()) {
        try (CloseableIterator<Row> rows = batches.next().getRows()) {
          while (rows.hasNext()) {
            addPath(rows.next(), needed);
          }
        }
      }
    }
    return needed;
  }

  private static void addPath(Row action, Set<String> paths) {
    for (String kind : List.of("add", "remove")) {
      int at = action.getSchema().indexOf(kind);
      if (!action.isNullAt(at)) {
        Row file = action.getStruct(at);
        String path = URI.create(file.getString(file.getSchema().indexOf("path"))).getPath();
        int partition = path.lastIndexOf('/', path.lastIndexOf('/') - 1);
        paths.add(path.substring(partition + 1));
      }
    }
  }
}
