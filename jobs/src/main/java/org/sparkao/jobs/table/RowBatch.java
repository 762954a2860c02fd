package org.sparkao.jobs.table;

import io.delta.kernel.data.ColumnVector;
import io.delta.kernel.data.ColumnarBatch;
import io.delta.kernel.types.StructField;
import io.delta.kernel.types.StructType;
import java.util.ArrayList;
import java.util.List;

/** Rows in memory as Delta Kernel writes them. */
final class RowBatch implements ColumnarBatch {
  private final StructType schema;
  private final int size;
  private final List<ColumnVector> columns;

  private RowBatch(StructType schema, int size, List<ColumnVector> columns) {
    this.schema = schema;
    this.size = size;
    this.columns = columns;
  }

  /** Rows with their values in the order of the schema. */
  static RowBatch of(StructType schema, List<List<Object>> rows) {
    List<ColumnVector> columns = new ArrayList<>();
    for (int i = 0; i < schema.length(); i++) {
      List<Object> values = new ArrayList<>();
      for (List<Object> row : rows) {
        values.add(row.get(i));
      }
      columns.add(new ListVector(schema.at(i).getDataType(), values));
    }
    return new RowBatch(schema, rows.size(), columns);
  }

  @Override
  public StructType getSchema() {
    return schema;
  }

  @Override
  public ColumnVector getColumnVector(int column) {
    return columns.get(column);
  }

  @Override
  public int getSize() {
    return size;
  }

  /** Kernel takes out the partition column, whose value is in the name of the folder. */
  @Override
  public ColumnarBatch withDeletedColumnAt(int column) {
    List<StructField> fields = new ArrayList<>(schema.fields());
    List<ColumnVector> kept = new ArrayList<>(columns);
    fields.remove(column);
    kept.remove(column);
    return new RowBatch(new StructType(fields), size, kept);
  }
}
