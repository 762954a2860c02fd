package org.sparkao.jobs.spark;

import java.util.List;

/**
 * Everything that Kryo may read and write beside what Spark registers itself. By name, because most
 * are private to Spark. Own data travels as JSON text and needs no entry.
 */
final class KryoClasses {
  private static final List<String> NAMES =
      List.of(
          "[Lorg.apache.spark.util.io.ChunkedByteBuffer;",
          "[Ljava.lang.Integer;",
          // Schemas of Parquet files, which tasks read.
          "org.apache.spark.sql.types.ArrayType",
          "org.apache.spark.sql.types.MapType");

  private KryoClasses() {}

  /** For {@code spark.kryo.classesToRegister}. */
  static String commaSeparated() {
    return String.join(",", NAMES);
  }
}
