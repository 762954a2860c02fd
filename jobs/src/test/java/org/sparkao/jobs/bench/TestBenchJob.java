package org.sparkao.jobs.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.withinPercentage;

import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.gpu.device.Devices;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.job.JobRun;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.BenchmarkRow;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.TableRow;
import org.sparkao.quant.QuantException;

/** The job bench on the processor. */
class TestBenchJob {
  private static final String[] SMALL = {
    "what", "quantize", "rows", "64", "columns", "256", "repeats", "3", "run-id", "b1"
  };

  @TempDir private Path temp;

  private JobRun bench(String... more) throws Exception {
    String[] options = new String[SMALL.length + 2 + more.length];
    System.arraycopy(SMALL, 0, options, 0, SMALL.length);
    options[SMALL.length] = "tables";
    options[SMALL.length + 1] = temp.toString();
    System.arraycopy(more, 0, options, SMALL.length + 2, more.length);
    return JobRun.of(new BenchJob(), options);
  }

  @Test
  void timesAreKeptAndPrinted() throws Exception {
    JobRun run = bench("scheme", "FP8");

    assertThat(run.code()).isEqualTo(ExitCode.DONE);
    assertThat(run.lines().get(0)).startsWith("op").contains("GB/s", "peer us", "ratio");
    assertThat(run.lines().get(1)).startsWith("quantize").contains("64x256 bf16", "FP8, 1 thread");
    List<TableRow> rows =
        new DeltaStore(Storage.ofAssignments(List.of()), temp.toString())
            .read(BenchmarkRow.TABLE, "b1");
    assertThat(rows).hasSize(1);
    TableRow row = rows.get(0);
    assertThat(row.text("device")).isEqualTo("cpu");
    assertThat(row.text("driver")).startsWith("Java ");
    assertThat(row.number("bytes")).isEqualTo(64 * 256 * 3 + 2);
    assertThat(row.decimal("gb_per_second"))
        .isCloseTo(row.number("bytes") / row.decimal("micros") / 1000, withinPercentage(1e-9));
    assertThat(row.decimal("ratio")).isEqualTo(row.decimal("peer_micros") / row.decimal("micros"));
    assertThat(row.has("tflops")).isFalse();
    assertThat(row.number("repeats")).isEqualTo(3);
  }

  @Test
  void aRunIsThereOnce() throws Exception {
    bench("scheme", "W4A16");
    assertThatThrownBy(() -> bench("scheme", "W4A16"))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("run b1 is there already");
  }

  @Test
  void whatCannotBeMeasuredIsRefused() {
    assertThatThrownBy(() -> bench("what", "dance"))
        .isInstanceOf(QuantException.class)
        .hasMessageStartingWith("bench dance: no such benchmark; use ")
        .hasMessageContaining("quantize");
    assertThatThrownBy(() -> bench("columns", "100", "scheme", "W4A16"))
        .isInstanceOf(QuantException.class);
  }

  @Test
  void matrixProductsAndLayersNeedAGpu() {
    for (String what : new String[] {"gemm", "layer", "gptq"}) {
      assertThatThrownBy(() -> bench("what", what, "device", "cpu"))
          .isInstanceOf(QuantException.class)
          .hasMessage("--device cpu: this runs on GPUs only; use --device cuda");
    }
    Assumptions.assumeTrue(Devices.probe().devices().isEmpty(), "a GPU is there");
    assertThatThrownBy(() -> bench("what", "gemm"))
        .isInstanceOf(QuantException.class)
        .hasMessage(
            "--device auto: "
                + Devices.probe().summary()
                + ", where this cannot run: it needs a GPU");
  }

  @Test
  void aGpuThatIsNotThereIsRefused() {
    Assumptions.assumeTrue(Devices.probe().devices().isEmpty());
    assertThatThrownBy(() -> bench("device", "cuda"))
        .isInstanceOf(QuantException.class)
        .hasMessage("--device cuda: " + Devices.probe().summary());
  }

  @Test
  void ratesFollowFromTheTime() {
    BenchmarkRow row =
        new BenchmarkRow(
            "b",
            new BenchmarkRow.Work("gemm", "1x8x8", "e4m3", 67_108_864, 134_217_728),
            new BenchmarkRow.Machine("cuda", "H100", "sm_90", "580", "host", "1"),
            new BenchmarkRow.Timing(22.0, 25),
            Optional.of(new BenchmarkRow.Peer("cublas_fp8", 26.4)),
            Instant.EPOCH);
    assertThat(BenchJob.lines(List.of(row)).get(1))
        .isEqualTo("gemm  1x8x8  e4m3    22.0  3050.4     6.10  cublas_fp8     26.4   1.20");
    assertThat(row.toRow()).hasSameSizeAs(BenchmarkRow.TABLE.columns());
  }
}
