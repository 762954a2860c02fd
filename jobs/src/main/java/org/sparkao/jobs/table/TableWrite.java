package org.sparkao.jobs.table;

import io.delta.kernel.DataWriteContext;
import io.delta.kernel.Transaction;
import io.delta.kernel.data.FilteredColumnarBatch;
import io.delta.kernel.data.Row;
import io.delta.kernel.engine.Engine;
import io.delta.kernel.expressions.Literal;
import io.delta.kernel.internal.actions.AddFile;
import io.delta.kernel.internal.actions.SingleAction;
import io.delta.kernel.internal.util.Utils;
import io.delta.kernel.types.StructType;
import io.delta.kernel.utils.CloseableIterator;
import io.delta.kernel.utils.DataFileStatus;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Writes the files of one transaction.
 *
 * @param table the table
 * @param engine what reads and writes files
 * @param transaction to be committed with the actions
 */
record TableWrite(Table table, Engine engine, Transaction transaction) {

  /** Writes a file and returns the actions that add it. */
  List<Row> add(String runId, List<List<Object>> rows) throws IOException {
    Row state = transaction.getTransactionState(engine);
    Map<String, Literal> partition = Map.of(TableFiles.PARTITION, Literal.ofString(runId));
    FilteredColumnarBatch batch = new FilteredColumnarBatch(batch(rows), Optional.empty());
    DataWriteContext context = Transaction.getWriteContext(engine, state, partition);
    try (CloseableIterator<FilteredColumnarBatch> physical =
            Transaction.transformLogicalData(
                engine, state, Utils.singletonCloseableIterator(batch), partition);
        CloseableIterator<DataFileStatus> files =
            engine
                .getParquetHandler()
                .writeParquetFiles(
                    context.getTargetDirectory(), physical, context.getStatisticsColumns());
        CloseableIterator<Row> actions =
            Transaction.generateAppendActions(engine, state, files, context)) {
      return actions.toInMemoryList();
    }
  }

  /** A table that an older version made has its columns in another order. */
  private RowBatch batch(List<List<Object>> rows) {
    StructType there = transaction.getSchema(engine);
    List<Integer> order =
        there.fieldNames().stream().map(name -> table.schema().indexOf(name)).toList();
    return RowBatch.of(
        there, rows.stream().map(row -> order.stream().map(row::get).toList()).toList());
  }

  /** The same for rows that were in the table before, in other files. */
  List<Row> move(String runId, List<List<Object>> rows) throws IOException {
    return add(runId, rows).stream().map(this::moved).toList();
  }

  private Row moved(Row action) {
    AddFile added = new AddFile(action.getStruct(SingleAction.ADD_FILE_ORDINAL));
    StructType schema = transaction.getSchema(engine);
    return SingleAction.createAddFileSingleAction(
        AddFile.createAddFileRow(
            schema,
            added.getPath(),
            added.getPartitionValues(),
            added.getSize(),
            added.getModificationTime(),
            false,
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            added.getStats(schema)));
  }
}
