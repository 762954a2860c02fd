package org.sparkao.jobs.table;

import io.delta.kernel.types.DataType;
import java.util.Objects;

/**
 * One column.
 *
 * @param name snake_case
 * @param type its type; every column may be null
 * @param doc what it holds, with its unit
 */
public record Column(String name, DataType type, String doc) {
  /** All parts are given. */
  public Column {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(type, "type");
    Objects.requireNonNull(doc, "doc");
  }
}
