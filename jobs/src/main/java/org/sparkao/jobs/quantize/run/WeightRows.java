package org.sparkao.jobs.quantize.run;

import java.io.IOException;
import java.util.Optional;
import org.sparkao.jobs.quantize.run.TaskTimes.Stage;
import org.sparkao.quant.checkpoint.WeightReader;
import org.sparkao.quant.checkpoint.WeightSource;
import org.sparkao.quant.prune.WeightPruner;

/** The rows of a weight in order, with the zeros that are asked for. */
final class WeightRows {
  private final WeightReader reader;
  private final WeightSource weight;
  private final Optional<WeightPruner> pruner;
  private final TaskClock clock;

  /** All rows, where zeros are chosen among all; empty until the first are read. */
  private byte[] whole = new byte[0];

  /**
   * Rows.
   *
   * @param reader closed by the caller
   * @param clock told where the time goes
   */
  WeightRows(
      WeightReader reader, WeightSource weight, Optional<WeightPruner> pruner, TaskClock clock) {
    this.reader = reader;
    this.weight = weight;
    this.pruner = pruner;
    this.clock = clock;
  }

  /** Puts rows [row, row + rows) to the beginning of {@code out}. */
  void read(long row, int rows, byte[] out) throws IOException {
    if (pruner.isPresent() && pruner.orElseThrow().needsWholeWeight()) {
      if (whole.length == 0) {
        whole = new byte[bytes(weight.rows())];
        readAndPrune(0, Math.toIntExact(weight.rows()), whole);
      }
      System.arraycopy(whole, bytes(row), out, 0, bytes(rows));
    } else {
      readAndPrune(row, rows, out);
    }
  }

  private void readAndPrune(long row, int rows, byte[] out) throws IOException {
    clock.time(Stage.READ, () -> reader.readRows(row, rows, out, 0));
    if (pruner.isPresent()) {
      clock.time(Stage.COMPUTE, () -> pruner.orElseThrow().prune(out, 0, rows));
    }
  }

  private int bytes(long rows) {
    return Math.toIntExact(weight.dtype().bytes(rows * weight.columns()));
  }
}
