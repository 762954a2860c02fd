package org.sparkao.jobs.job;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A table of plain text: columns as wide as their widest cell, numbers to the right. */
public final class TextTable {
  private static final String GAP = "  ";

  private final List<Column> columns;
  private final List<List<String>> rows = new ArrayList<>();

  /** To which side of a column its cells go. */
  public enum Side {
    LEFT,
    RIGHT
  }

  /**
   * A column.
   *
   * @param title its first line
   * @param side where its cells go
   */
  public record Column(String title, Side side) {}

  private TextTable(List<Column> columns) {
    this.columns = List.copyOf(columns);
  }

  /** An empty table. */
  public static TextTable of(Column... columns) {
    return new TextTable(Arrays.asList(columns));
  }

  /** A column of words. */
  public static Column text(String title) {
    return new Column(title, Side.LEFT);
  }

  /** A column of numbers. */
  public static Column number(String title) {
    return new Column(title, Side.RIGHT);
  }

  /** Adds a row with a cell for every column. Control characters are shown as question marks. */
  public TextTable row(String... cells) {
    if (cells.length != columns.size()) {
      throw new IllegalArgumentException(
          cells.length + " cells for " + columns.size() + " columns");
    }
    rows.add(Arrays.stream(cells).map(cell -> cell.replaceAll("\\p{Cntrl}", "?")).toList());
    return this;
  }

  /** The columns. */
  public List<Column> columns() {
    return columns;
  }

  /** The rows so far, a cell for every column. */
  public List<List<String>> rows() {
    return List.copyOf(rows);
  }

  /** The lines, titles first; none has blanks at its end. */
  public List<String> lines() {
    int[] widths = new int[columns.size()];
    List<List<String>> all = new ArrayList<>();
    all.add(columns.stream().map(Column::title).toList());
    all.addAll(rows);
    for (List<String> row : all) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    return all.stream().map(row -> line(row, widths)).toList();
  }

  private String line(List<String> row, int[] widths) {
    StringBuilder line = new StringBuilder();
    for (int i = 0; i < widths.length; i++) {
      String blanks = " ".repeat(widths[i] - row.get(i).length());
      line.append(i == 0 ? "" : GAP);
      boolean left = columns.get(i).side() == Side.LEFT;
      line.append(left ? row.get(i) + blanks : blanks + row.get(i));
    }
    return line.toString().stripTrailing();
  }
}
