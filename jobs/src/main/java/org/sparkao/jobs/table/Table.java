package org.sparkao.jobs.table;

import io.delta.kernel.types.FieldMetadata;
import io.delta.kernel.types.StructField;
import io.delta.kernel.types.StructType;
import java.util.List;

/**
 * One Delta table, partitioned by {@code run_id}.
 *
 * @param name the folder under the root
 * @param doc what one row is
 * @param columns in order; the first is {@code run_id}
 */
public record Table(String name, String doc, List<Column> columns) {
  /** Freezes the columns. */
  public Table {
    columns = List.copyOf(columns);
    if (!columns.get(0).name().equals("run_id")) {
      throw new IllegalArgumentException(name + ": the first column is run_id");
    }
  }

  /** The schema, with the documentation as comments. */
  StructType schema() {
    return new StructType(
        columns.stream()
            .map(
                column ->
                    new StructField(
                        column.name(),
                        column.type(),
                        true,
                        FieldMetadata.builder().putString("comment", column.doc()).build()))
            .toList());
  }
}
