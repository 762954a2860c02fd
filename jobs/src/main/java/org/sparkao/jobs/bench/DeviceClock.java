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
  private static final long COPY_BYTES = 256L << 20;
  private static final int COPIES = 4;

  private final CudaDevice device;

  DeviceClock(CudaDevice device) {
    this.device = device;
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
    double[] micros = new double[repeats];
    try (CudaGraph graph = device.capture(() -> chain(calls, launch));
        CudaEvent begin = device.newEvent();
        CudaEvent end = device.newEvent()) {
      for (int i = 0; i < WARM_UP; i++) {
        graph.replay();
      }
      for (int i = 0; i < repeats; i++) {
        device.stream().record(begin);
        graph.replay();
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
