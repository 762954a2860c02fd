package org.sparkao.jobs.page;

import java.awt.geom.Rectangle2D;
import java.util.ArrayList;
import java.util.List;

/** Finds places for names of points in a picture, pixels, y downwards. */
final class NamePlaces {
  /** Of a name. */
  static final double HEIGHT = 14;

  /** From a name to its point, to the side. */
  private static final double GAP = 9;

  /** From a name to its point, downwards or upwards. */
  private static final double FARTHEST = 8 * HEIGHT;

  private final Rectangle2D area;
  private final List<Rectangle2D> taken = new ArrayList<>();

  /** None is outside of an area. */
  NamePlaces(Rectangle2D area) {
    this.area = area;
  }

  /** Something that no name shall hide. */
  void take(Rectangle2D place) {
    taken.add(place);
  }

  /**
   * Takes a place beside a point, or as near as nothing is; where all is full, where it hides
   * least.
   */
  Rectangle2D beside(double x, double y, double width) {
    Rectangle2D best = new Rectangle2D.Double(x + GAP, y - HEIGHT / 2, width, HEIGHT);
    double least = Double.POSITIVE_INFINITY;
    for (double away = 0; away <= FARTHEST && least > 0; away += HEIGHT) {
      for (double down : new double[] {-away, away}) {
        for (double left : new double[] {x + GAP, x - GAP - width}) {
          Rectangle2D box = new Rectangle2D.Double(left, y + down - HEIGHT / 2, width, HEIGHT);
          double hidden = area.contains(box) ? hidden(box) : Double.POSITIVE_INFINITY;
          if (hidden < least) {
            best = box;
            least = hidden;
          }
        }
      }
    }
    taken.add(best);
    return best;
  }

  /** How much of other things a box covers. */
  private double hidden(Rectangle2D box) {
    double covered = 0;
    for (Rectangle2D other : taken) {
      if (box.intersects(other)) {
        Rectangle2D common = box.createIntersection(other);
        covered += common.getWidth() * common.getHeight();
      }
    }
    return covered;
  }
}
