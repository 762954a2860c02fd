package org.sparkao.jobs.quantize.run;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.sparkao.gpu.OutOfDeviceMemoryException;
import org.sparkao.gpu.quantize.SliceQuantizer;
import org.sparkao.jobs.quantize.run.TaskTimes.Stage;
import org.sparkao.quant.algorithm.TensorQuantizer;

/**
 * Slices of one weight through its quantizer, in order. Where the device can, several are under
 * way: one is copied and worked on while the next is read and the one before is written. A slice
 * that does not fit into the device's memory is cut into smaller ones.
 */
final class SliceFlow implements AutoCloseable {

  /** Takes codes. */
  @FunctionalInterface
  interface Sink {
    /** Rows [rowBegin, rowBegin + rows) are in the buffers. */
    void accept(long rowBegin, int rows) throws IOException;
  }

  /** Rows [begin, begin + rows). */
  private record Rows(long begin, int rows) {}

  private final TensorQuantizer quantizer;
  private final WeightSlices slices;
  private final Sink sink;
  private final int rowBytes;
  private final TaskClock clock;
  private final Deque<Rows> underWay = new ArrayDeque<>();

  /**
   * A flow.
   *
   * @param slices whose buffers are filled for the sink
   * @param rowBytes bytes of a row of the source
   * @param clock told what was waited for
   */
  SliceFlow(
      TensorQuantizer quantizer, WeightSlices slices, int rowBytes, TaskClock clock, Sink sink) {
    this.quantizer = quantizer;
    this.slices = slices;
    this.rowBytes = rowBytes;
    this.clock = clock;
    this.sink = sink;
  }

  /** Takes the next rows; {@code source} may be reused afterwards. */
  void put(byte[] source, long rowBegin, int rows) throws IOException {
    if (!(quantizer instanceof SliceQuantizer device)) {
      clock.time(Stage.COMPUTE, () -> quantizer.quantize(source, 0, rowBegin, rows, slices.out()));
      sink.accept(rowBegin, rows);
      return;
    }
    if (device.underWay() == device.depth()) {
      take(device);
    }
    try {
      submit(device, source, 0, new Rows(rowBegin, rows));
    } catch (OutOfDeviceMemoryException e) {
      while (device.underWay() > 0) {
        take(device);
      }
      putPieces(device, source, new Rows(rowBegin, rows), e);
    }
  }

  /** Waits for the rest. */
  void finish() throws IOException {
    if (quantizer instanceof SliceQuantizer device) {
      while (device.underWay() > 0) {
        take(device);
      }
    }
  }

  private void submit(SliceQuantizer device, byte[] source, int offset, Rows rows)
      throws IOException {
    clock.time(Stage.HAND_OVER, () -> device.submit(source, offset, rows.begin(), rows.rows()));
    underWay.add(rows);
  }

  private void take(SliceQuantizer device) throws IOException {
    clock.time(Stage.WAIT, () -> device.take(slices.out()));
    Rows rows = underWay.remove();
    sink.accept(rows.begin(), rows.rows());
  }

  /** Halves until the pieces fit, one after the other. */
  private void putPieces(
      SliceQuantizer device, byte[] source, Rows all, OutOfDeviceMemoryException reason)
      throws IOException {
    Deque<Rows> waiting = new ArrayDeque<>();
    halves(all, reason).forEach(waiting::add);
    while (!waiting.isEmpty()) {
      Rows piece = waiting.pop();
      try {
        submit(device, source, Math.toIntExact(piece.begin() - all.begin()) * rowBytes, piece);
        take(device);
      } catch (OutOfDeviceMemoryException e) {
        List<Rows> smaller = halves(piece, e);
        waiting.push(smaller.get(1));
        waiting.push(smaller.get(0));
      }
    }
  }

  private List<Rows> halves(Rows rows, OutOfDeviceMemoryException reason) {
    int multiple = quantizer.sliceRowMultiple();
    int first = rows.rows() / 2 / multiple * multiple;
    if (first == 0) {
      throw reason;
    }
    return List.of(
        new Rows(rows.begin(), first), new Rows(rows.begin() + first, rows.rows() - first));
  }

  /** Forgets what is under way. */
  @Override
  public void close() {
    if (quantizer instanceof SliceQuantizer device) {
      device.close();
    }
  }
}
