package org.sparkao.jobs.page;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import org.knowm.xchart.style.AxesChartStyler;

/** How pictures look; no pair of colours that count is red and green. */
public final class ChartStyle {
  /** Width of a picture as wide as the page, pixels. */
  public static final int WIDTH = 1100;

  /** Letters. */
  public static final Color INK = new Color(0x33, 0x3D, 0x47);

  /** Lines behind the data. */
  public static final Color GRID = new Color(0xE3, 0xE7, 0xEB);

  /** What was before, or cannot be told from chance. */
  public static final Color GREY = new Color(0xB4, 0xBE, 0xC8);

  /** What is after, right or better. */
  public static final Color BLUE = new Color(0x1F, 0x77, 0xB4);

  /** What is wrong or worse. */
  public static final Color ORANGE = new Color(0xB3, 0x58, 0x06);

  private ChartStyle() {}

  /** Makes a chart look like the others. */
  public static void apply(AxesChartStyler styler) {
    styler
        .setChartBackgroundColor(Color.WHITE)
        .setPlotBackgroundColor(Color.WHITE)
        .setPlotBorderVisible(false)
        .setChartTitleVisible(false)
        .setLegendBorderColor(Color.WHITE)
        .setLegendFont(font(12))
        .setChartFontColor(INK)
        .setAntiAlias(true);
    styler
        .setAxisTickLabelsFont(font(12))
        .setAxisTitleFont(font(12))
        .setAxisTickLabelsColor(INK)
        .setAxisTickMarksColor(GRID)
        .setAxisTickMarksStroke(new BasicStroke(1))
        .setPlotGridLinesColor(GRID)
        .setPlotGridLinesStroke(new BasicStroke(1));
  }

  /** Letters of a size in points. */
  public static Font font(int size) {
    return new Font(Font.SANS_SERIF, Font.PLAIN, size);
  }
}
