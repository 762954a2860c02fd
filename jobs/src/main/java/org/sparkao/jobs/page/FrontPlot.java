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
import java.awt.geom.Path2D;
import java.awt.geom.Rectangle2D;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.DoubleStream;

/**
 * What is paid against what is had: a named point with its interval for each choice, and a stepped
 * line through those that no other one beats.
 *
 * @param points at least one
 * @param xAxis what is paid, with its unit
 * @param yAxis what is had, with its unit
 */
public record FrontPlot(List<Point> points, String xAxis, String yAxis) {
  private static final FontRenderContext CONTEXT = new FontRenderContext(null, true, true);
  private static final int HEIGHT = 420;
  private static final int LEFT = 90;
  private static final int RIGHT = 40;
  private static final int TOP = 20;
  private static final int BOTTOM = 60;
  private static final int MARKS = 8;
  private static final double DOT = 10;
  private static final double GAP = 9;

  /** Lines are faint behind names that have no other place. */
  private static final Color BEHIND_NAMES = new Color(255, 255, 255, 190);

  /** Where names may be. */
  private static final Rectangle2D AREA =
      new Rectangle2D.Double(LEFT, TOP - 8, ChartStyle.WIDTH - LEFT, HEIGHT - BOTTOM - TOP + 8);

  /** Freezes the points. */
  public FrontPlot {
    points = List.copyOf(points);
    if (points.isEmpty()) {
      throw new IllegalArgumentException("no point");
    }
  }

  /** Where a point stands to the others. */
  public enum Standing {
    /** No other one beats it. */
    ON_FRONT,
    /** Another one beats it. */
    BEATEN
  }

  /**
   * One choice.
   *
   * @param name beside it
   * @param x what is paid
   * @param y what is had
   * @param low lower end of the interval of y
   * @param high upper end of it
   * @param standing to the others
   */
  public record Point(String name, double x, double y, double low, double high, Standing standing) {
    /** Refuses what cannot be drawn. */
    public Point {
      if (!Double.isFinite(x + y + low + high)) {
        throw new IllegalArgumentException(name + ": " + x + ", " + y + ", " + low + ", " + high);
      }
    }

    private Color color() {
      return standing == Standing.ON_FRONT ? ChartStyle.BLUE : ChartStyle.GREY;
    }
  }

  /**
   * The picture as an {@code svg} element.
   *
   * @param id begins every id inside
   * @param label what is to be seen, for those who cannot
   */
  public String paint(String id, String label) {
    return SvgPicture.paint(this::draw, new Dimension(ChartStyle.WIDTH, HEIGHT), id, label);
  }

  private void draw(Graphics2D graphics) {
    Scale across = scale(points.stream().mapToDouble(Point::x));
    Scale up = scale(points.stream().flatMapToDouble(p -> DoubleStream.of(p.low(), p.high())));
    drawAxes(graphics, across, up);
    NamePlaces places = new NamePlaces(AREA);
    drawFront(graphics, across, up).forEach(places::take);
    for (Point point : points) {
      double x = x(across, point.x());
      double y = y(up, point.y());
      graphics.setColor(point.color());
      graphics.setStroke(new BasicStroke(1.6f));
      graphics.draw(new Line2D.Double(x, y(up, point.low()), x, y(up, point.high())));
      graphics.fill(new Ellipse2D.Double(x - DOT / 2, y - DOT / 2, DOT, DOT));
      places.take(new Rectangle2D.Double(x - DOT / 2, y - DOT / 2, DOT, DOT));
      places.take(between(x, y(up, point.low()), x, y(up, point.high())));
    }
    for (Point point : points) {
      drawName(graphics, point.name(), x(across, point.x()), y(up, point.y()), places);
    }
  }

  private static Scale scale(DoubleStream values) {
    double[] sorted = values.sorted().toArray();
    return Scale.around(sorted[0], sorted[sorted.length - 1], MARKS);
  }

  private static double x(Scale scale, double value) {
    return LEFT + scale.position(value) * (ChartStyle.WIDTH - LEFT - RIGHT);
  }

  private static double y(Scale scale, double value) {
    return HEIGHT - BOTTOM - scale.position(value) * (HEIGHT - TOP - BOTTOM);
  }

  private void drawAxes(Graphics2D graphics, Scale across, Scale up) {
    Font font = ChartStyle.font(12);
    graphics.setStroke(new BasicStroke(1));
    for (double mark : across.marks()) {
      double x = x(across, mark);
      graphics.setColor(ChartStyle.GRID);
      graphics.draw(new Line2D.Double(x, TOP, x, HEIGHT - BOTTOM));
      graphics.setColor(ChartStyle.INK);
      write(graphics, layout(across.text(mark), font), x, HEIGHT - BOTTOM + 16, 0.5);
    }
    for (double mark : up.marks()) {
      double y = y(up, mark);
      graphics.setColor(ChartStyle.GRID);
      graphics.draw(new Line2D.Double(LEFT, y, ChartStyle.WIDTH - RIGHT, y));
      graphics.setColor(ChartStyle.INK);
      write(graphics, layout(up.text(mark), font), LEFT - GAP, y, 1);
    }
    write(graphics, layout(xAxis, font), (LEFT + ChartStyle.WIDTH - RIGHT) / 2.0, HEIGHT - 18, 0.5);
    AffineTransform upright = graphics.getTransform();
    graphics.rotate(-Math.PI / 2, 18, HEIGHT / 2.0);
    write(graphics, layout(yAxis, font), 18, HEIGHT / 2.0, 0.5);
    graphics.setTransform(upright);
  }

  /** Returns where its lines are. */
  private List<Rectangle2D> drawFront(Graphics2D graphics, Scale across, Scale up) {
    List<Point> front =
        points.stream()
            .filter(point -> point.standing() == Standing.ON_FRONT)
            .sorted(Comparator.comparingDouble(Point::x))
            .toList();
    List<Rectangle2D> places = new ArrayList<>();
    Path2D line = new Path2D.Double();
    for (int i = 0; i < front.size(); i++) {
      double x = x(across, front.get(i).x());
      double y = y(up, front.get(i).y());
      if (i == 0) {
        line.moveTo(x, y);
      } else {
        double before = y(up, front.get(i - 1).y());
        line.lineTo(x, before);
        line.lineTo(x, y);
        places.add(between(x(across, front.get(i - 1).x()), before, x, before));
        places.add(between(x, before, x, y));
      }
    }
    graphics.setColor(ChartStyle.BLUE);
    graphics.setStroke(
        new BasicStroke(
            1.2f, BasicStroke.CAP_BUTT, BasicStroke.JOIN_MITER, 10, new float[] {5, 4}, 0));
    graphics.draw(line);
    return places;
  }

  /** What an upright or level line takes. */
  private static Rectangle2D between(double x1, double y1, double x2, double y2) {
    return new Rectangle2D.Double(
        Math.min(x1, x2) - 1, Math.min(y1, y2) - 1, Math.abs(x2 - x1) + 2, Math.abs(y2 - y1) + 2);
  }

  /** Beside the point; from further away with a line to it. */
  private static void drawName(
      Graphics2D graphics, String name, double x, double y, NamePlaces places) {
    TextLayout layout = layout(name, ChartStyle.font(12));
    Rectangle2D place = places.beside(x, y, layout.getAdvance());
    if (Math.abs(place.getCenterY() - y) > NamePlaces.HEIGHT) {
      double end = place.getMinX() > x ? place.getMinX() - 2 : place.getMaxX() + 2;
      graphics.setColor(ChartStyle.GREY);
      graphics.setStroke(new BasicStroke(0.6f));
      graphics.draw(new Line2D.Double(x, y, end, place.getCenterY()));
    }
    graphics.setColor(BEHIND_NAMES);
    graphics.fill(place);
    graphics.setColor(ChartStyle.INK);
    write(graphics, layout, place.getMinX(), place.getCenterY(), 0);
  }

  private static TextLayout layout(String text, Font font) {
    return new TextLayout(text, font, CONTEXT);
  }

  /** As outlines; {@code share} of the width is left of x. */
  private static void write(
      Graphics2D graphics, TextLayout layout, double x, double middle, double share) {
    double left = x - share * layout.getAdvance();
    graphics.fill(layout.getOutline(AffineTransform.getTranslateInstance(left, middle + 4.3)));
  }
}
