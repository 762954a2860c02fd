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
          "[Ljava.lang.String;",
          // Of schemas of Parquet files, whose readers get them by broadcast.
          "org.apache.spark.sql.types.ArrayType",
          "org.apache.spark.sql.types.MapType",
          "org.apache.spark.sql.types.IntegerType$",
          "org.apache.spark.sql.types.LongType$");

  private KryoClasses() {}

  /** For {@code spark.kryo.classesToRegister}. */
  static String commaSeparated() {
    return String.join(",", NAMES);
  }
}
