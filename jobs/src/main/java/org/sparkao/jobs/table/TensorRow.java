package org.sparkao.jobs.table;

import static io.delta.kernel.types.DoubleType.DOUBLE;
import static io.delta.kernel.types.LongType.LONG;
import static io.delta.kernel.types.StringType.STRING;

import io.delta.kernel.types.ArrayType;
import io.delta.kernel.types.StructType;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.sparkao.quant.metric.TensorStatistics;
import org.sparkao.quant.prune.PruneStatistics;

/**
 * One tensor of the source: where it came from, what became of it, how wrong it is now.
 *
 * @param runId name of the run
 * @param source the tensor in the source
 * @param treatment what was done with it, and why
 * @param parts the tensors it became, codes first
 * @param outputFile file of the parts
 * @param outputSha256 SHA-256 of the only part; of the concatenated binary digests when several
 * @param nonFinite NaN and infinities that were read
 * @param statistics error of the codes, or of zeros where there are no codes; empty for a tensor
 *     that was copied
 * @param elapsedNanos time spent on it
 * @param attempt unique name of the attempt that wrote the file
 * @param executor Spark executor
 */
public record TensorRow(
    String runId,
    Source source,
    Treatment treatment,
    List<Part> parts,
    String outputFile,
    String outputSha256,
    long nonFinite,
    Optional<TensorStatistics> statistics,
    long elapsedNanos,
    String attempt,
    String executor) {

  /**
   * A tensor of the source.
   *
   * @param tensor its name there
   * @param module name without {@code .weight}
   * @param layer number after {@code layers.}; empty outside the layers
   * @param dtype element type in the file
   * @param shape lengths of the axes
   * @param file its file
   * @param begin first byte in that file
   * @param end byte after the last one
   * @param sha256 of those bytes
   */
  public record Source(
      String tensor,
      String module,
      Optional<Long> layer,
      String dtype,
      List<Long> shape,
      String file,
      long begin,
      long end,
      String sha256) {}

  /**
   * What was done.
   *
   * @param scheme the scheme; empty when the tensor was copied
   * @param reason why it was copied, or what the algorithm fell back to; empty when it was
   *     quantized as asked for
   * @param numerics whose arithmetic
   * @param algorithm how codes were chosen; zeros, where there are no codes
   * @param zeros among the weights, before there were codes; empty where none were asked for
   * @param device what computed
   */
  public record Treatment(
      Optional<String> scheme,
      Optional<String> reason,
      String numerics,
      String algorithm,
      Optional<Zeros> zeros,
      String device) {
    /** Of a tensor that stays dense. */
    public Treatment(
        Optional<String> scheme,
        Optional<String> reason,
        String numerics,
        String algorithm,
        String device) {
      this(scheme, reason, numerics, algorithm, Optional.empty(), device);
    }
  }

  /**
   * Weights that became zero.
   *
   * @param sparsity which, how
   * @param statistics what that did to the weights
   */
  public record Zeros(String sparsity, PruneStatistics statistics) {}

  /**
   * One tensor of the output.
   *
   * @param name its name there
   * @param begin first byte in the file
   * @param bytes length
   * @param sha256 of those bytes
   */
  public record Part(String name, long begin, long bytes, String sha256) {}

  private static final StructType PART =
      new StructType()
          .add("name", STRING)
          .add("begin", LONG)
          .add("bytes", LONG)
          .add("sha256", STRING);

  /** Columns of {@code tensors}. */
  public static final Table TABLE =
      new Table(
          "tensors",
          "one tensor of the source: where from, what became of it, how wrong it is",
          List.of(
              new Column("run_id", STRING, "name of the run"),
              new Column("tensor", STRING, "name in the source"),
              new Column("module", STRING, "name without .weight"),
              new Column("layer", LONG, "number after layers. in the name; null outside"),
              new Column("dtype", STRING, "element type in the source"),
              new Column("shape", new ArrayType(LONG, true), "lengths of the axes in the source"),
              new Column("source_file", STRING, "file of the source"),
              new Column("source_begin", LONG, "first byte in that file"),
              new Column("source_end", LONG, "byte after the last one"),
              new Column("source_sha256", STRING, "SHA-256 of those bytes as they were read"),
              new Column("scheme", STRING, "scheme; null when copied or only pruned"),
              new Column(
                  "reason",
                  STRING,
                  "why it was copied, or what the algorithm fell back to; null when quantized as"
                      + " asked for"),
              new Column("numerics", STRING, "numeric profile"),
              new Column("algorithm", STRING, "how codes were chosen; without codes, zeros"),
              new Column("output_file", STRING, "file in the output folder"),
              new Column("output_begin", LONG, "first byte of the codes in that file"),
              new Column("output_bytes", LONG, "bytes of all parts"),
              new Column(
                  "output_sha256",
                  STRING,
                  "SHA-256 of the only part, or of the concatenated binary SHA-256 of the parts"),
              new Column("parts", new ArrayType(PART, true), "the tensors it became, codes first"),
              new Column("elements", LONG, "weights; null when copied"),
              new Column("non_finite", LONG, "NaN and infinite values, kept as they are"),
              new Column("amax", DOUBLE, "largest magnitude"),
              new Column("sqnr_db", DOUBLE, "signal to quantization noise, dB"),
              new Column("noise", DOUBLE, "sum of squared errors"),
              new Column("max_error", DOUBLE, "largest absolute error"),
              new Column("mean_error", DOUBLE, "mean absolute error"),
              new Column("clipped_fraction", DOUBLE, "share of weights cut off, 0 to 1"),
              new Column(
                  "sparsity", STRING, "which weights became zero: 2:4 by wanda; null when dense"),
              new Column("zeros", LONG, "weights that are zero after pruning; null when dense"),
              new Column(
                  "kept_norm", DOUBLE, "share of the norm in weights that are not zero, 0 to 1"),
              new Column(
                  "sparsity_noise", DOUBLE, "sum of squared changes by pruning, before codes"),
              new Column("elapsed_nanos", LONG, "time spent on the tensor"),
              new Column("device", STRING, "what computed: cuda sm_90 132 SM 4917 GB/s"),
              new Column("executor", STRING, "Spark executor"),
              new Column("attempt", STRING, "attempt that wrote the file, as in shards"),
              new Column("step", LONG, "commit of the run that brought the row")));

  /** The parts of a row that was read. */
  public static List<Part> parts(TableRow row) {
    return row.structures("parts").stream()
        .map(
            part ->
                new Part(
                    (String) part.get(0),
                    (Long) part.get(1),
                    (Long) part.get(2),
                    (String) part.get(3)))
        .toList();
  }

  /** The row in the order of {@link #TABLE}. */
  public List<Object> toRow(long step) {
    TensorStatistics seen = statistics.orElse(null);
    PruneStatistics pruned = treatment.zeros().map(Zeros::statistics).orElse(null);
    return Arrays.asList(
        runId,
        source.tensor(),
        source.module(),
        source.layer().orElse(null),
        source.dtype(),
        source.shape(),
        source.file(),
        source.begin(),
        source.end(),
        source.sha256(),
        treatment.scheme().orElse(null),
        treatment.reason().orElse(null),
        treatment.numerics(),
        treatment.algorithm(),
        outputFile,
        parts.get(0).begin(),
        parts.stream().mapToLong(Part::bytes).sum(),
        outputSha256,
        parts.stream().map(TensorRow::row).toList(),
        seen == null ? null : seen.elements(),
        nonFinite,
        seen == null ? null : seen.amax(),
        seen == null ? null : seen.sqnrDb(),
        seen == null ? null : seen.noise(),
        seen == null ? null : seen.maxError(),
        seen == null ? null : seen.meanError(),
        seen == null ? null : seen.clippedFraction(),
        treatment.zeros().map(Zeros::sparsity).orElse(null),
        pruned == null ? null : pruned.zeros(),
        pruned == null ? null : pruned.keptNorm(),
        pruned == null ? null : pruned.noise(),
        elapsedNanos,
        treatment.device(),
        executor,
        attempt,
        step);
  }

  private static List<Object> row(Part part) {
    return Arrays.asList(part.name(), part.begin(), part.bytes(), part.sha256());
  }
}
