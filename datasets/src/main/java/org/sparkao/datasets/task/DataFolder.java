package org.sparkao.datasets.task;

import java.nio.file.Path;
import java.util.Optional;

/**
 * Where the files of data sets are.
 *
 * @param path the folder
 * @param parquet reads Parquet files; without it they are refused
 */
public record DataFolder(Path path, Optional<ParquetRows> parquet) {
  /** A folder whose Parquet files are refused. */
  public static DataFolder of(Path path) {
    return new DataFolder(path, Optional.empty());
  }

  /** The same folder with Parquet. */
  public DataFolder withParquet(ParquetRows rows) {
    return new DataFolder(path, Optional.of(rows));
  }
}
