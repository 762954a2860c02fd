package org.sparkao.jobs.spark;

import java.util.List;

/**
 * Everything that Kryo may read and write beside what Spark registers itself. By name, because most
 * are private to Delta and Spark. Own data travels as JSON text and needs no entry.
 */
final class KryoClasses {
  private static final List<String> NAMES =
      List.of(
          "org.apache.spark.sql.delta.actions.AddFile",
          "org.apache.spark.sql.delta.actions.AddCDCFile",
          "org.apache.spark.sql.delta.stats.DeltaFileStatistics",
          "org.apache.spark.sql.delta.SerializableFileStatus",
          "[Lorg.apache.spark.sql.delta.SerializableFileStatus;",
          "[Lorg.apache.spark.sql.Row;",
          "org.apache.spark.sql.catalyst.expressions.GenericRowWithSchema",
          "[Lorg.apache.spark.sql.types.DataType;",
          "org.apache.spark.sql.types.NullType$",
          "[Lorg.apache.spark.util.io.ChunkedByteBuffer;",
          "[Ljava.lang.Integer;");

  private KryoClasses() {}

  /** For {@code spark.kryo.classesToRegister}. */
  static String commaSeparated() {
    return String.join(",", NAMES);
  }
}
