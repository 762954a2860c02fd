package org.sparkao.jobs.table;

import static org.apache.spark.sql.types.DataTypes.DoubleType;
import static org.apache.spark.sql.types.DataTypes.LongType;
import static org.apache.spark.sql.types.DataTypes.StringType;
import static org.apache.spark.sql.types.DataTypes.createArrayType;

import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.StructType;
import org.sparkao.quant.metric.TensorStatistics;

/**
 * One tensor of the source: where it came from, what became of it, how wrong it is now.
 *
 * @param runId name of the run
 * @param source the tensor in the source
 * @param treatment what was done with it, and why
 * @param parts the tensors it became, codes first
 * @param outputFile file of the parts
 * @param outputSha256 SHA-256 of the only part; of the concatenated binary digests when several
 * @param statistics error of the codes; empty for a tensor that was copied
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
   * @param reason why it was copied; empty when it was quantized
   * @param numerics whose arithmetic
   * @param algorithm how codes were chosen
   * @param device what computed
   */
  public record Treatment(
      Optional<String> scheme,
      Optional<String> reason,
      String numerics,
      String algorithm,
      String device) {}

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
          .add("name", StringType)
          .add("begin", LongType)
          .add("bytes", LongType)
          .add("sha256", StringType);

  /** Columns of {@code tensors}. */
  public static final Table TABLE =
      new Table(
          "tensors",
          "one tensor of the source: where from, what became of it, how wrong it is",
          List.of(
              new Column("run_id", StringType, "name of the run"),
              new Column("tensor", StringType, "name in the source"),
              new Column("module", StringType, "name without .weight"),
              new Column("layer", LongType, "number after layers. in the name; null outside"),
              new Column("dtype", StringType, "element type in the source"),
              new Column("shape", createArrayType(LongType), "lengths of the axes in the source"),
              new Column("source_file", StringType, "file of the source"),
              new Column("source_begin", LongType, "first byte in that file"),
              new Column("source_end", LongType, "byte after the last one"),
              new Column("source_sha256", StringType, "SHA-256 of those bytes as they were read"),
              new Column("scheme", StringType, "scheme; null when copied unchanged"),
              new Column("reason", StringType, "why it was copied; null when quantized"),
              new Column("numerics", StringType, "numeric profile"),
              new Column("algorithm", StringType, "how codes were chosen"),
              new Column("output_file", StringType, "file in the output folder"),
              new Column("output_begin", LongType, "first byte of the codes in that file"),
              new Column("output_bytes", LongType, "bytes of all parts"),
              new Column(
                  "output_sha256",
                  StringType,
                  "SHA-256 of the only part, or of the concatenated binary SHA-256 of the parts"),
              new Column("parts", createArrayType(PART), "the tensors it became, codes first"),
              new Column("elements", LongType, "weights; null when copied"),
              new Column("non_finite", LongType, "NaN and infinite weights"),
              new Column("amax", DoubleType, "largest magnitude"),
              new Column("sqnr_db", DoubleType, "signal to quantization noise, dB"),
              new Column("max_error", DoubleType, "largest absolute error"),
              new Column("mean_error", DoubleType, "mean absolute error"),
              new Column("clipped_fraction", DoubleType, "share of weights cut off, 0 to 1"),
              new Column("elapsed_nanos", LongType, "time spent on the tensor"),
              new Column("device", StringType, "what computed"),
              new Column("executor", StringType, "Spark executor"),
              new Column("attempt", StringType, "attempt that wrote the file, as in shards"),
              new Column("step", LongType, "commit of the run that brought the row")));

  /** The row in the order of {@link #TABLE}. */
  public Row toRow(long step) {
    TensorStatistics seen = statistics.orElse(null);
    return RowFactory.create(
        runId,
        source.tensor(),
        source.module(),
        source.layer().orElse(null),
        source.dtype(),
        source.shape().toArray(Long[]::new),
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
        parts.stream().map(TensorRow::row).toArray(Row[]::new),
        seen == null ? null : seen.elements(),
        seen == null ? null : seen.nonFinite(),
        seen == null ? null : seen.amax(),
        seen == null ? null : seen.sqnrDb(),
        seen == null ? null : seen.maxError(),
        seen == null ? null : seen.meanError(),
        seen == null ? null : seen.clippedFraction(),
        elapsedNanos,
        treatment.device(),
        executor,
        attempt,
        step);
  }

  private static Row row(Part part) {
    return RowFactory.create(part.name(), part.begin(), part.bytes(), part.sha256());
  }
}
