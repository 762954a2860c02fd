package org.sparkao.jobs.bench;

import java.util.Arrays;
import java.util.function.IntConsumer;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.CudaEvent;
import org.sparkao.gpu.device.CudaGraph;
import org.sparkao.jobs.table.BenchmarkRow.Timing;

/**
 * Times of a GPU by its own events: calls in a chain that is captured as one graph, so that nothing
 * but the first call waits for this JVM.
 */
final class DeviceClock {
  /** Together the buffers of a chain are larger: no cache of a GPU holds them. */
  static final long BEYOND_CACHES = 160_000_000;

  private static final int WARM_UP = 3;
  private static final int WARM_UP_OF_LAUNCHES = 60;
  private static final long COPY_BYTES = 256L << 20;
  private static final int COPIES = 4;

  private final CudaDevice device;

  DeviceClock(CudaDevice device) {
    this.device = device;
  }

  /** How many copies of so many bytes together are beyond caches, and not fewer than some. */
  static int copies(int least, long bytes) {
    return Math.max(least, Math.toIntExact((BEYOND_CACHES + bytes - 1) / bytes));
  }

  /**
   * Time of one call, the median of replays of the graph.
   *
   * @param calls in a chain
   * @param launch call i of the chain; chooses among its buffers by i
   */
  Timing median(int calls, int repeats, IntConsumer launch) {
    launch.accept(0);
    device.synchronize();
    try (CudaGraph graph = device.capture(() -> chain(calls, launch))) {
      return median(calls, WARM_UP, repeats, graph::replay);
    }
  }

  /** The same without a graph: every launch waits for this JVM, which has done it often before. */
  Timing medianOfLaunches(int calls, int repeats, IntConsumer launch) {
    return median(calls, WARM_UP_OF_LAUNCHES, repeats, () -> chain(calls, launch));
  }

  private Timing median(int calls, int warmUp, int repeats, Runnable chain) {
    double[] micros = new double[repeats];
    try (CudaEvent begin = device.newEvent();
        CudaEvent end = device.newEvent()) {
      for (int i = 0; i < warmUp; i++) {
        chain.run();
      }
      device.synchronize();
      for (int i = 0; i < repeats; i++) {
        device.stream().record(begin);
        chain.run();
        device.stream().record(end);
        end.synchronize();
        micros[i] = end.nanosSince(begin) / 1e3 / calls;
      }
    }
    Arrays.sort(micros);
    double upper = micros[repeats / 2];
    return new Timing(repeats % 2 == 1 ? upper : (micros[repeats / 2 - 1] + upper) / 2, repeats);
  }

  /** Bytes a microsecond that a copy within the device moves: those read and those written. */
  double copyRate(int repeats) {
    try (Buffer from = device.allocate(COPY_BYTES);
        Buffer to = device.allocate(COPY_BYTES)) {
      Timing timing = median(COPIES, repeats, i -> device.stream().copy(from, to));
      return 2 * COPY_BYTES / timing.micros();
    }
  }

  private static void chain(int calls, IntConsumer launch) {
    for (int i = 0; i < calls; i++) {
      launch.accept(i);
    }
  }
}
