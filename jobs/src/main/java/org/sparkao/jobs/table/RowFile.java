package org.sparkao.jobs.table;

import io.delta.kernel.data.FilteredColumnarBatch;
import io.delta.kernel.defaults.engine.DefaultEngine;
import io.delta.kernel.internal.util.Utils;
import io.delta.kernel.types.StructField;
import io.delta.kernel.types.StructType;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.sparkao.jobs.storage.Storage;

/** Rows as one Parquet file that belongs to no table. */
final class RowFile {
  private RowFile() {}

  /**
   * Writes a file that is not there yet, missing folders too.
   *
   * @param file URI or absolute path
   * @param rows values in the order of the columns
   */
  static void write(Storage storage, String file, List<Column> columns, List<List<Object>> rows)
      throws IOException {
    StructType schema =
        new StructType(
            columns.stream()
                .map(column -> new StructField(column.name(), column.type(), true))
                .toList());
    DefaultEngine.create(storage.configuration())
        .getParquetHandler()
        .writeParquetFileAtomically(
            file,
            Utils.singletonCloseableIterator(
                new FilteredColumnarBatch(RowBatch.of(schema, rows), Optional.empty())));
  }
}
