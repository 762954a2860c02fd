package org.sparkao.jobs.page;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Dimension;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.font.FontRenderContext;
import java.awt.font.TextLayout;
import java.awt.geom.AffineTransform;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Line2D;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.DoubleStream;

/**
 * Estimates with their intervals below one another: name, interval with a dot, and figures in
 * words. XChart has no error bars that lie.
 *
 * @param rows from top to bottom
 * @param line where a vertical line stands, such as no difference
 * @param unit below the axis
 * @param bounds of what the unit can be
 */
public record ForestPlot(List<Row> rows, OptionalDouble line, String unit, Bounds bounds) {
  private static final int ROW = 26;
  private static final int TOP = 6;
  private static final int AXIS = 46;
  private static final int GAP = 14;
  private static final int LETTERS = 48;
  private static final int MARKS = 8;
  private static final double DOT = 9;
  private static final FontRenderContext CONTEXT = new FontRenderContext(null, true, true);

  /**
   * Beyond which there is no value.
   *
   * @param least of them
   * @param largest of them
   */
  public record Bounds(double least, double largest) {
    /** Of whatever a number can be. */
    public static final Bounds NONE =
        new Bounds(Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY);

    /** Of percents of a whole. */
    public static final Bounds PERCENT = new Bounds(0, 100);
  }

  /** Freezes the rows, of which there is at least one. */
  public ForestPlot {
    rows = List.copyOf(rows);
    if (rows.isEmpty()) {
      throw new IllegalArgumentException("no row");
    }
  }

  /**
   * An estimate.
   *
   * @param name what it is of; its end is left out where it is long
   * @param value the estimate
   * @param low end of its interval; the estimate where there is none
   * @param high the other end
   * @param figures the same in words
   * @param color of dot and line
   */
  public record Row(
      String name, double value, double low, double high, String figures, Color color) {
    /** Finite, and in order. */
    public Row {
      if (!Double.isFinite(value + low + high) || low > high) {
        throw new IllegalArgumentException(name + ": " + low + " to " + high + " around " + value);
      }
    }

    private String shortName() {
      return name.length() <= LETTERS ? name : name.substring(0, LETTERS - 1) + "\u2026";
    }
  }

  /**
   * The picture as an {@code svg} element.
   *
   * @param id begins every id inside
   * @param label what is to be seen, for those who cannot
   */
  public String paint(String id, String label) {
    int height = TOP + ROW * rows.size() + AXIS;
    return SvgPicture.paint(this::draw, new Dimension(ChartStyle.WIDTH, height), id, label);
  }

  private void draw(Graphics2D graphics) {
    Font font = ChartStyle.font(13);
    double left = GAP + widest(rows.stream().map(Row::shortName).toList(), font);
    double right = ChartStyle.WIDTH - GAP - widest(rows.stream().map(Row::figures).toList(), font);
    Scale scale = scale();
    drawAxis(graphics, scale, left, right);
    for (int i = 0; i < rows.size(); i++) {
      Row row = rows.get(i);
      double y = TOP + ROW * (i + 0.5);
      graphics.setColor(ChartStyle.INK);
      write(graphics, row.shortName(), font, left - GAP, y, 1);
      write(graphics, row.figures(), font, right + GAP, y, 0);
      graphics.setColor(row.color());
      graphics.setStroke(new BasicStroke(2.4f, BasicStroke.CAP_BUTT, BasicStroke.JOIN_MITER));
      double low = x(scale, row.low(), left, right);
      double high = x(scale, row.high(), left, right);
      graphics.draw(new Line2D.Double(low, y, high, y));
      graphics.draw(new Line2D.Double(low, y - 4, low, y + 4));
      graphics.draw(new Line2D.Double(high, y - 4, high, y + 4));
      double at = x(scale, row.value(), left, right);
      graphics.fill(new Ellipse2D.Double(at - DOT / 2, y - DOT / 2, DOT, DOT));
    }
  }

  private void drawAxis(Graphics2D graphics, Scale scale, double left, double right) {
    double bottom = TOP + (double) ROW * rows.size();
    Font font = ChartStyle.font(12);
    graphics.setStroke(new BasicStroke(1));
    for (double mark : scale.marks()) {
      double x = x(scale, mark, left, right);
      graphics.setColor(ChartStyle.GRID);
      graphics.draw(new Line2D.Double(x, TOP, x, bottom));
      graphics.setColor(ChartStyle.INK);
      write(graphics, scale.text(mark), font, x, bottom + 12, 0.5);
    }
    write(graphics, unit, font, (left + right) / 2, bottom + 32, 0.5);
    if (line.isPresent()) {
      double x = x(scale, line.getAsDouble(), left, right);
      graphics.draw(new Line2D.Double(x, TOP, x, bottom));
    }
  }

  private Scale scale() {
    DoubleStream all = rows.stream().flatMapToDouble(row -> DoubleStream.of(row.low(), row.high()));
    double[] values = DoubleStream.concat(all, line.stream()).sorted().toArray();
    return Scale.around(values[0], values[values.length - 1], MARKS)
        .within(bounds.least(), bounds.largest());
  }

  private static double x(Scale scale, double value, double left, double right) {
    return left + scale.position(value) * (right - left);
  }

  private static double widest(List<String> texts, Font font) {
    return GAP
        + texts.stream()
            .filter(text -> !text.isEmpty())
            .mapToDouble(text -> new TextLayout(text, font, CONTEXT).getAdvance())
            .max()
            .orElse(0);
  }

  /** As outlines; {@code share} of the width is left of x. */
  private static void write(
      Graphics2D graphics, String text, Font font, double x, double middle, double share) {
    if (text.isEmpty()) {
      return;
    }
    TextLayout layout = new TextLayout(text, font, CONTEXT);
    double left = x - share * layout.getAdvance();
    double base = middle + 0.36 * font.getSize2D();
    graphics.fill(layout.getOutline(AffineTransform.getTranslateInstance(left, base)));
  }
}
