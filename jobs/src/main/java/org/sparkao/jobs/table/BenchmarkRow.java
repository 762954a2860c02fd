package org.sparkao.jobs.table;

import static io.delta.kernel.types.DoubleType.DOUBLE;
import static io.delta.kernel.types.IntegerType.INTEGER;
import static io.delta.kernel.types.LongType.LONG;
import static io.delta.kernel.types.StringType.STRING;
import static io.delta.kernel.types.TimestampType.TIMESTAMP;

import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * One measured time of one operation.
 *
 * @param runId name of the run
 * @param work what was done
 * @param machine where
 * @param timing how long it took
 * @param peer what it is compared with; empty when nothing was measured beside it
 * @param measuredAt when
 */
public record BenchmarkRow(
    String runId,
    Work work,
    Machine machine,
    Timing timing,
    Optional<Peer> peer,
    Instant measuredAt) {

  /**
   * An operation.
   *
   * @param op its name, such as quantize
   * @param shape lengths of its operands, such as 4096x4096 bf16
   * @param config which variant of it, and how it was run
   * @param bytes that must be read and written once
   * @param operations of arithmetic; 0 when they do not matter
   */
  public record Work(String op, String shape, String config, long bytes, long operations) {}

  /**
   * A device and the program on it.
   *
   * @param device what computed, cpu or cuda
   * @param name the maker's name of it
   * @param architecture such as sm_90, x86_64
   * @param driver version of the driver, or of Java on the processor
   * @param host name of the machine
   * @param codeVersion version and commit of this program
   */
  public record Machine(
      String device,
      String name,
      String architecture,
      String driver,
      String host,
      String codeVersion) {}

  /**
   * A time.
   *
   * @param micros median, in microseconds
   * @param repeats how many times it was measured
   */
  public record Timing(double micros, int repeats) {}

  /**
   * Something that does the same, measured in the same run.
   *
   * @param name what it is
   * @param micros its median, in microseconds
   */
  public record Peer(String name, double micros) {}

  /** Columns of {@code benchmarks}. */
  public static final Table TABLE =
      new Table(
          "benchmarks",
          "one measured time of one operation",
          List.of(
              new Column("run_id", STRING, "name of the run"),
              new Column("op", STRING, "operation"),
              new Column("shape", STRING, "lengths of its operands"),
              new Column("config", STRING, "which variant of it, and how it was run"),
              new Column("device", STRING, "what computed: cpu, cuda"),
              new Column("device_name", STRING, "the maker's name of the device"),
              new Column("architecture", STRING, "architecture of the device: sm_90, x86_64"),
              new Column("driver", STRING, "version of the driver; of Java on the processor"),
              new Column("host", STRING, "machine"),
              new Column("code_version", STRING, "version and commit of the program"),
              new Column("micros", DOUBLE, "median time, microseconds"),
              new Column("repeats", INTEGER, "how many times it was measured"),
              new Column("bytes", LONG, "bytes that must be read and written once"),
              new Column("gb_per_second", DOUBLE, "those bytes over the time, 10^9 a second"),
              new Column(
                  "operations", LONG, "operations of arithmetic; null when beside the point"),
              new Column("tflops", DOUBLE, "those operations over the time, 10^12 a second"),
              new Column("peer", STRING, "what does the same; null when nothing was measured"),
              new Column("peer_micros", DOUBLE, "its median time in the same run"),
              new Column("ratio", DOUBLE, "its time over ours: above 1 is faster than the peer"),
              new Column("measured_at", TIMESTAMP, "when it was measured")));

  /** Bytes over time, in 10^9 a second. */
  public double gbPerSecond() {
    return work.bytes() / timing.micros() * 1e-3;
  }

  /** Operations over time, in 10^12 a second; empty when they do not matter. */
  public Optional<Double> tflops() {
    return work.operations() == 0
        ? Optional.empty()
        : Optional.of(work.operations() / timing.micros() * 1e-6);
  }

  /** The peer's time over ours. */
  public Optional<Double> ratio() {
    return peer.map(other -> other.micros() / timing.micros());
  }

  /** The row in the order of {@link #TABLE}. */
  public List<Object> toRow() {
    return Arrays.asList(
        runId,
        work.op(),
        work.shape(),
        work.config(),
        machine.device(),
        machine.name(),
        machine.architecture(),
        machine.driver(),
        machine.host(),
        machine.codeVersion(),
        timing.micros(),
        timing.repeats(),
        work.bytes(),
        gbPerSecond(),
        work.operations() == 0 ? null : work.operations(),
        tflops().orElse(null),
        peer.map(Peer::name).orElse(null),
        peer.map(Peer::micros).orElse(null),
        ratio().orElse(null),
        measuredAt);
  }
}
