package org.sparkao.jobs.page;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.geom.Rectangle2D;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TestNamePlaces {
  private static final Rectangle2D AREA = new Rectangle2D.Double(90, 12, 900, 340);

  @Test
  void nearestPlaceIsToTheRight() {
    assertThat(new NamePlaces(AREA).beside(200, 100, 50))
        .isEqualTo(new Rectangle2D.Double(209, 93, 50, 14));
  }

  /** Points on one line, as cells of the same value are, with the line through them. */
  @Test
  void namesHideNothingAndStayInside() {
    Random random = new Random(7);
    NamePlaces places = new NamePlaces(AREA);
    List<Rectangle2D> all = new ArrayList<>();
    all.add(new Rectangle2D.Double(90, 199, 900, 2));
    double[] points = random.doubles(18, 100, 980).toArray();
    for (double x : points) {
      all.add(new Rectangle2D.Double(x - 5, 195, 10, 10));
    }
    all.forEach(places::take);
    for (double x : points) {
      Rectangle2D name = places.beside(x, 200, 150);
      assertThat(AREA.contains(name)).as(name.toString()).isTrue();
      assertThat(all).noneMatch(name::intersects);
      all.add(name);
    }
  }
}
