package org.sparkao.jobs.table;

import io.delta.kernel.Operation;
import io.delta.kernel.Snapshot;
import io.delta.kernel.engine.Engine;
import io.delta.kernel.exceptions.ConcurrentWriteException;
import io.delta.kernel.internal.SnapshotImpl;
import io.delta.kernel.internal.TransactionImpl;
import io.delta.kernel.types.DataType;
import io.delta.kernel.types.StructField;
import io.delta.kernel.types.StructType;
import io.delta.kernel.utils.CloseableIterable;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.sparkao.quant.QuantException;

/**
 * The columns that a table has, and those that this version knows. A table that an older version
 * wrote gets the columns that it lacks; its rows have no value there.
 */
record TableSchema(Table table, String location) {

  /**
   * Refuses a table with a column that would be lost when a row of it is written again.
   *
   * @throws QuantException naming the column
   */
  void requireKnown(Snapshot now) {
    Map<String, DataType> known =
        table.columns().stream().collect(Collectors.toMap(Column::name, Column::type));
    for (StructField there : now.getSchema().fields()) {
      DataType type = known.get(there.getName());
      if (type == null || !type.equivalent(there.getDataType())) {
        throw new QuantException(
            location
                + ": has a column "
                + there.getName()
                + " of type "
                + there.getDataType()
                + (type == null ? ", which is not known here" : ", which is " + type + " here")
                + ": another version of sparkao wrote it; use that one, or give other --tables");
      }
    }
  }

  /** Whether a column of this version is missing. */
  boolean lacksColumns(Snapshot now) {
    return !missing(now).isEmpty();
  }

  private List<StructField> missing(Snapshot now) {
    return table.schema().fields().stream()
        .filter(field -> now.getSchema().indexOf(field.getName()) < 0)
        .toList();
  }

  /**
   * Adds the missing columns behind the others. Delta Kernel's builders add columns to tables with
   * column mapping alone, which older readers do not know; Delta itself needs none for that.
   *
   * @throws ConcurrentWriteException when another writer was faster
   */
  void addColumns(Engine engine, Snapshot now, String writer) {
    StructType wider = now.getSchema();
    for (StructField field : missing(now)) {
      wider = wider.add(field);
    }
    new TransactionImpl(
            false,
            now.getDataPath(),
            Optional.of((SnapshotImpl) now),
            writer,
            Operation.MANUAL_UPDATE,
            Optional.empty(),
            Optional.of(now.getMetadata().withNewSchema(wider)),
            now.getCommitter(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            0,
            System::currentTimeMillis)
        .commit(engine, CloseableIterable.emptyIterable());
  }
}
