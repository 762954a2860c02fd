package org.sparkao.jobs.table;

import java.util.List;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

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
  public StructType schema() {
    StructType schema = new StructType();
    for (Column column : columns) {
      schema =
          schema.add(
              DataTypes.createStructField(column.name(), column.type(), true)
                  .withComment(column.doc()));
    }
    return schema;
  }
}
