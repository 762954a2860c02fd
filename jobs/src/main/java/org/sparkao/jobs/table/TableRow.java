package org.sparkao.jobs.table;

import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/** One row that was read: values by the names of the columns. */
public final class TableRow {
  private final Table table;
  private final List<Object> values;

  /**
   * A row.
   *
   * @param values in the order of the columns; null where there is none
   */
  TableRow(Table table, List<Object> values) {
    this.table = table;
    this.values = Collections.unmodifiableList(values);
  }

  /** The values in the order of the columns: text, numbers, instants, lists of these. */
  List<Object> values() {
    return values;
  }

  /** A text that is there. */
  public String text(String column) {
    return (String) present(column);
  }

  /** A whole number that is there. */
  public long number(String column) {
    return ((Number) present(column)).longValue();
  }

  /** A number that is there. */
  public double decimal(String column) {
    return (Double) present(column);
  }

  /** A moment that is there. */
  public Instant instant(String column) {
    return (Instant) present(column);
  }

  /** Whole numbers that are there. */
  public List<Long> numbers(String column) {
    return list(column).stream().map(Long.class::cast).toList();
  }

  /** Numbers that are there. */
  public List<Double> decimals(String column) {
    return list(column).stream().map(Double.class::cast).toList();
  }

  /** Texts that are there. */
  public List<String> texts(String column) {
    return list(column).stream().map(String.class::cast).toList();
  }

  /** Structures that are there, their fields in the order of the type. */
  List<List<?>> structures(String column) {
    return list(column).stream().<List<?>>map(structure -> (List<?>) structure).toList();
  }

  /** Whether a value is there. */
  public boolean has(String column) {
    return value(column) != null;
  }

  /** A text that may be missing. */
  public Optional<String> findText(String column) {
    return Optional.ofNullable((String) value(column));
  }

  /** A whole number that may be missing. */
  public Optional<Long> findNumber(String column) {
    return Optional.ofNullable((Long) value(column));
  }

  /** A moment that may be missing. */
  public Optional<Instant> findInstant(String column) {
    return Optional.ofNullable((Instant) value(column));
  }

  private List<?> list(String column) {
    return (List<?>) present(column);
  }

  private Object present(String column) {
    Object value = value(column);
    if (value == null) {
      throw new IllegalStateException("table " + table.name() + ": a row without " + column);
    }
    return value;
  }

  private Object value(String column) {
    for (int i = 0; i < values.size(); i++) {
      if (table.columns().get(i).name().equals(column)) {
        return values.get(i);
      }
    }
    throw new IllegalArgumentException("table " + table.name() + " has no column " + column);
  }
}
