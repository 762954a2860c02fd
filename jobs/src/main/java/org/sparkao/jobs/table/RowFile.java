package org.sparkao.jobs.table;

import io.delta.kernel.data.FilteredColumnarBatch;
import io.delta.kernel.defaults.engine.DefaultEngine;
import io.delta.kernel.internal.util.Utils;
import io.delta.kernel.types.StructField;
import io.delta.kernel.types.StructType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;

/** Rows as one Parquet file that belongs to no table. */
final class RowFile {
  private RowFile() {}

  /**
   * Writes a file that is not there yet.
   *
   * @param file of a local disk
   * @param rows values in the order of the columns
   */
  static void write(Path file, List<Column> columns, List<List<Object>> rows) throws IOException {
    StructType schema =
        new StructType(
            columns.stream()
                .map(column -> new StructField(column.name(), column.type(), true))
                .toList());
    DefaultEngine.create(new Configuration())
        .getParquetHandler()
        .writeParquetFileAtomically(
            file.toUri().toString(),
            Utils.singletonCloseableIterator(
                new FilteredColumnarBatch(RowBatch.of(schema, rows), Optional.empty())));
  }
}
