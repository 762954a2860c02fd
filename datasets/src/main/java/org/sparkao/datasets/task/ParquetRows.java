package org.sparkao.datasets.task;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Reads Parquet for this package, which knows no Parquet itself: every reader of it for Java 17
 * needs Hadoop's classes.
 */
@FunctionalInterface
public interface ParquetRows {
  /**
   * All rows of a file in its order, each as the JSON object of its columns: nulls are written,
   * structs are objects, lists are arrays.
   *
   * @throws IOException if the file is no Parquet or cannot be read
   */
  List<String> json(Path file) throws IOException;
}
