package org.sparkao.jobs.spark;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.sparkao.datasets.task.ParquetRows;
import org.sparkao.jobs.config.Config;

/** Reads the Parquet files of evaluation data by Spark. */
public final class SparkParquetRows implements ParquetRows {
  private final SparkSession spark;

  /** With a session that the caller stops. */
  public SparkParquetRows(SparkSession spark) {
    this.spark = spark;
  }

  /** With the session of a Spark that somebody holds. */
  public static SparkParquetRows of(SparkLease spark) {
    return new SparkParquetRows(
        SparkSession.builder().config(spark.context().getConf()).getOrCreate());
  }

  /**
   * Reads a file where no Spark need be running: plans come before it is started as a job wants it.
   *
   * @param application what Spark calls it
   * @param file its URI
   */
  public static List<String> once(Config config, String application, String file)
      throws IOException {
    try (SparkLease spark = SparkLease.open(config, application)) {
      return of(spark).json(file);
    }
  }

  @Override
  public List<String> json(Path file) throws IOException {
    return json(file.toAbsolutePath().toUri().toString());
  }

  /**
   * The same of a file by its URI. The splits of one file are collected in the order in which they
   * lie in it.
   */
  public List<String> json(String file) throws IOException {
    try {
      return spark
          .read()
          .parquet(file)
          .select(
              functions.to_json(
                  functions.struct(functions.col("*")), Map.of("ignoreNullFields", "false")))
          .as(Encoders.STRING())
          .collectAsList();
    } catch (Exception e) {
      // Scala throws checked exceptions that no signature here names.
      throw new IOException(e.getMessage(), e);
    }
  }
}
