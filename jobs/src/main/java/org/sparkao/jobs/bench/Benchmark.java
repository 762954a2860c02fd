package org.sparkao.jobs.bench;

import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.sparkao.gpu.device.DeviceInfo.Kind;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.table.BenchmarkRow.Machine;
import org.sparkao.jobs.table.BenchmarkRow.Peer;
import org.sparkao.jobs.table.BenchmarkRow.Timing;
import org.sparkao.jobs.table.BenchmarkRow.Work;

/** Times of one operation. */
interface Benchmark {

  /**
   * What was measured.
   *
   * @param work what was done
   * @param timing how long it took
   * @param peer what does the same, where that was measured too
   */
  record Measurement(Work work, Timing timing, Optional<Peer> peer) {}

  /** Its name on the command line. */
  String name();

  /** What it can be measured on. */
  Set<Kind> devices();

  /** The device that measures, as the rows have it. */
  Machine machine(Kind device);

  /**
   * Checks that results are right, then measures.
   *
   * @param measured told each result at once
   * @throws org.sparkao.quant.QuantException for shapes and schemes that do not go together
   */
  void run(Config config, Kind device, Consumer<Measurement> measured);
}
