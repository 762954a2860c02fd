package org.sparkao.jobs.table;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** The names that notebooks and scripts rely on: design/architecture.md, section Delta tables. */
class TestTableColumns {
  private static List<String> names(Table table) {
    return table.columns().stream().map(Column::name).toList();
  }

  @Test
  void ofRuns() {
    assertThat(RunRow.TABLE.name()).isEqualTo("runs");
    assertThat(names(RunRow.TABLE))
        .containsExactly(
            "run_id",
            "job",
            "arguments",
            "config",
            "code_version",
            "fingerprint",
            "status",
            "started_at",
            "ended_at",
            "application_id",
            "source",
            "output",
            "scheme",
            "source_bytes",
            "output_bytes",
            "tensors",
            "quantized",
            "shards");
  }

  @Test
  void ofShards() {
    assertThat(ShardRow.TABLE.name()).isEqualTo("shards");
    assertThat(names(ShardRow.TABLE))
        .containsExactly(
            "run_id",
            "fingerprint",
            "output_file",
            "output_bytes",
            "source_bytes",
            "tensors",
            "elapsed_nanos",
            "attempt",
            "attempt_number",
            "executor",
            "host",
            "finished_at",
            "step");
  }

  @Test
  void ofTensors() {
    assertThat(TensorRow.TABLE.name()).isEqualTo("tensors");
    assertThat(names(TensorRow.TABLE))
        .containsSubsequence(
            "run_id",
            "tensor",
            "source_file",
            "source_begin",
            "source_end",
            "source_sha256",
            "scheme",
            "numerics",
            "output_file",
            "output_begin",
            "output_bytes",
            "output_sha256",
            "amax",
            "sqnr_db",
            "noise",
            "max_error",
            "mean_error",
            "clipped_fraction",
            "elapsed_nanos",
            "device",
            "executor",
            "attempt")
        .contains("module", "layer", "dtype", "shape", "reason", "algorithm", "parts")
        .contains("elements", "non_finite", "step")
        .contains("sparsity", "zeros", "kept_norm", "sparsity_noise")
        .hasSize(36);
  }

  @Test
  void ofSweeps() {
    assertThat(SweepRow.TABLE.name()).isEqualTo("sweeps");
    assertThat(names(SweepRow.TABLE)).startsWith("run_id", "sweep", "definition").hasSize(12);
    assertThat(SweepCellRow.TABLE.name()).isEqualTo("sweep_cells");
    assertThat(names(SweepCellRow.TABLE))
        .containsExactly(
            "run_id",
            "sweep",
            "cell_key",
            "model",
            "scheme",
            "algorithm",
            "task",
            "status",
            "reason",
            "checkpoint",
            "checkpoint_fingerprint",
            "checkpoint_hash",
            "output",
            "output_bytes",
            "calibration",
            "evaluate_run",
            "task_version",
            "metric",
            "value",
            "standard_error",
            "items",
            "tokens_per_second",
            "seconds",
            "finished_at");
    assertThat(SweepComparisonRow.TABLE.name()).isEqualTo("sweep_comparisons");
    assertThat(names(SweepComparisonRow.TABLE))
        .contains("against", "probability", "adjusted", "regressed")
        .hasSize(22);
  }

  @Test
  void ofBenchmarks() {
    assertThat(BenchmarkRow.TABLE.name()).isEqualTo("benchmarks");
    assertThat(names(BenchmarkRow.TABLE))
        .containsExactly(
            "run_id",
            "op",
            "shape",
            "config",
            "device",
            "device_name",
            "architecture",
            "driver",
            "host",
            "code_version",
            "micros",
            "repeats",
            "bytes",
            "gb_per_second",
            "operations",
            "tflops",
            "peer",
            "peer_micros",
            "ratio",
            "measured_at");
  }
}
