package org.sparkao.jobs.bench;

import java.io.IOException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import org.sparkao.gpu.device.DeviceInfo.Kind;
import org.sparkao.jobs.bench.Benchmark.Measurement;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.config.ConfigKey;
import org.sparkao.jobs.gpu.DeviceRequest;
import org.sparkao.jobs.gpu.LocalDevice;
import org.sparkao.jobs.job.Console;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.job.Job;
import org.sparkao.jobs.job.TextTable;
import org.sparkao.jobs.job.Texts;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.BenchmarkRow;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.quant.QuantException;

/** Times an operation on this machine. */
public final class BenchJob implements Job {
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss", Locale.ROOT);

  @Override
  public String name() {
    return "bench";
  }

  @Override
  public String summary() {
    return "Times an operation on this machine, after checking its results; keeps the times in the"
        + " table benchmarks.";
  }

  @Override
  public List<ConfigKey<?>> keys() {
    return BenchKeys.all();
  }

  @Override
  public ExitCode run(Config config, Console console) throws IOException {
    Benchmark benchmark = Benchmarks.named(config.value(BenchKeys.WHAT));
    Kind device = device(benchmark, config.value(BenchKeys.DEVICE));
    Storage storage = Storage.ofAssignments(config.all(CommonKeys.CONF));
    DeltaStore store = new DeltaStore(storage, config.value(CommonKeys.TABLES));
    String runId = config.find(CommonKeys.RUN_ID).orElseGet(BenchJob::newRunId);
    if (!store.read(BenchmarkRow.TABLE, runId).isEmpty()) {
      throw new QuantException(
          store.location(BenchmarkRow.TABLE)
              + ": run "
              + runId
              + " is there already; choose another --run-id, or leave it out");
    }
    BenchmarkRow.Machine machine = benchmark.machine(device);
    console.err().println(machine.device() + ": " + machine.name() + ", " + machine.architecture());
    List<BenchmarkRow> rows = new ArrayList<>();
    benchmark.run(
        config,
        device,
        measured -> {
          rows.add(row(runId, machine, measured));
          console.err().println(measured.work().shape() + ", " + measured.work().config());
        });
    store.append(BenchmarkRow.TABLE, rows.stream().map(BenchmarkRow::toRow).toList(), runId, 1);
    lines(rows).forEach(console.out()::println);
    console.out().println("run " + runId + " is in " + store.location(BenchmarkRow.TABLE));
    return ExitCode.DONE;
  }

  private static Kind device(Benchmark benchmark, DeviceRequest request) {
    if (request == DeviceRequest.CUDA && !benchmark.devices().contains(Kind.CUDA)) {
      throw new QuantException(
          "--device cuda: bench "
              + benchmark.name()
              + " measures the processor; use --device cpu, and the programs of gpu-executor"
              + " (src/main/scripts/build-benches.sh) for kernels");
    }
    return LocalDevice.choose(request, benchmark.devices());
  }

  private static BenchmarkRow row(
      String runId, BenchmarkRow.Machine machine, Measurement measured) {
    return new BenchmarkRow(
        runId, measured.work(), machine, measured.timing(), measured.peer(), Instant.now());
  }

  static List<String> lines(List<BenchmarkRow> rows) {
    TextTable table =
        TextTable.of(
            TextTable.text("op"),
            TextTable.text("shape"),
            TextTable.text("config"),
            TextTable.number("us"),
            TextTable.number("GB/s"),
            TextTable.number("TFLOP/s"),
            TextTable.text("peer"),
            TextTable.number("peer us"),
            TextTable.number("ratio"));
    for (BenchmarkRow row : rows) {
      table.row(
          row.work().op(),
          row.work().shape(),
          row.work().config(),
          Texts.decimals(row.timing().micros(), 1),
          Texts.decimals(row.gbPerSecond(), 1),
          row.tflops().map(rate -> Texts.decimals(rate, 2)).orElse("-"),
          row.peer().map(BenchmarkRow.Peer::name).orElse("-"),
          row.peer().map(peer -> Texts.decimals(peer.micros(), 1)).orElse("-"),
          row.ratio().map(ratio -> Texts.decimals(ratio, 2)).orElse("-"));
    }
    return table.lines();
  }

  /** Such as {@code bench-20260131-120000-3f9a}. */
  private static String newRunId() {
    return "bench-"
        + LocalDateTime.now(ZoneOffset.UTC).format(TIME)
        + "-"
        + UUID.randomUUID().toString().substring(0, 4);
  }
}
