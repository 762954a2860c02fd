package org.sparkao.quant.calibrated;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Activation-aware scales of columns: of twenty candidates the one under which the output of the
 * block changes least (Lin et al. 2023, section 3.2), as llm-compressor searches ({@code
 * modifiers/transform/awq}).
 */
public final class AwqSearch {
  private static final int GRID = 20;
  private static final double WEIGHT_FLOOR = 1e-4;
  private static final double SCALE_FLOOR = 1e-4;

  private AwqSearch() {}

  /** Whether weights have a say in the scales. */
  public enum DuoScaling {
    OFF("off"),
    ON("on"),
    /** Half the candidates each. */
    BOTH("both");

    private final String configName;

    DuoScaling(String configName) {
      this.configName = configName;
    }

    /** The name on the command line. */
    public String configName() {
      return configName;
    }
  }

  /**
   * One candidate.
   *
   * @param ratio power of the inputs, r
   * @param duo whether weights count with power 1 - r
   */
  public record Candidate(double ratio, boolean duo) {}

  /** How wrong the parent block becomes. */
  @FunctionalInterface
  public interface BlockLoss {
    /**
     * Mean squared error of the output of the block when each weight W of the layers in question is
     * replaced by Q(W s) / s.
     *
     * @param scales [K], s
     */
    double of(double[] scales) throws IOException;
  }

  /**
   * What was found.
   *
   * @param best the candidate of least loss, the first of equals; empty when no loss was finite
   * @param scales [K] of it; all 1 when there is none
   * @param losses of all candidates, in the order of {@link #grid}
   */
  public record Found(Optional<Candidate> best, double[] scales, List<Double> losses) {}

  /** The candidates. */
  public static List<Candidate> grid(DuoScaling duo) {
    List<Candidate> grid = new ArrayList<>();
    switch (duo) {
      case OFF -> {
        for (int i = 0; i < GRID; i++) {
          grid.add(new Candidate((double) i / (GRID - 1), false));
        }
      }
      case ON -> {
        grid.add(new Candidate(0, false));
        for (int i = 0; i < GRID - 1; i++) {
          grid.add(new Candidate((double) i / (GRID - 2), true));
        }
      }
      case BOTH -> {
        for (int i = 0; i < GRID / 2; i++) {
          grid.add(new Candidate((double) i / (GRID / 2 - 1), false));
          grid.add(new Candidate((double) i / (GRID / 2 - 1), true));
        }
      }
    }
    return grid;
  }

  /**
   * The scales of a candidate: x^r, over w^(1 - r) + 1e-4 under duo scaling, at least 1e-4, divided
   * by the root of the product of the largest and the smallest; 1 in place of NaN and infinity.
   *
   * @param inputMean [K] mean of abs(x)
   * @param weightMean [K] of {@link WeightMeans}
   */
  public static double[] scales(Candidate candidate, float[] inputMean, double[] weightMean) {
    double r = candidate.ratio();
    double[] scales = new double[inputMean.length];
    for (int j = 0; j < scales.length; j++) {
      double scale = (float) Math.pow(inputMean[j], r);
      if (candidate.duo()) {
        scale /= Math.pow(weightMean[j], 1 - r) + WEIGHT_FLOOR;
      }
      scales[j] = Math.max(scale, candidate.duo() ? SCALE_FLOOR : (float) SCALE_FLOOR);
    }
    center(scales, candidate.duo());
    return scales;
  }

  /** The reference has inputs in fp32 and weights in fp64, so that without weights all is fp32. */
  private static void center(double[] scales, boolean wide) {
    double largest = 0;
    double smallest = Double.POSITIVE_INFINITY;
    for (double scale : scales) {
      largest = Math.max(largest, scale);
      smallest = Math.min(smallest, scale);
    }
    double middle =
        wide ? Math.sqrt(largest * smallest) : (float) Math.sqrt((float) (largest * smallest));
    for (int j = 0; j < scales.length; j++) {
      double scale = wide ? scales[j] / middle : (float) (scales[j] / middle);
      scales[j] = Math.abs(scale) <= Float.MAX_VALUE ? scale : 1;
    }
  }

  /** Tries all candidates. */
  public static Found search(DuoScaling duo, float[] inputMean, double[] weightMean, BlockLoss loss)
      throws IOException {
    List<Double> losses = new ArrayList<>();
    Optional<Candidate> best = Optional.empty();
    double[] scales = new double[inputMean.length];
    Arrays.fill(scales, 1);
    double least = Double.POSITIVE_INFINITY;
    for (Candidate candidate : grid(duo)) {
      double[] tried = scales(candidate, inputMean, weightMean);
      double found = loss.of(tried);
      losses.add(found);
      if (found < least) {
        least = found;
        best = Optional.of(candidate);
        scales = tried;
      }
    }
    return new Found(best, scales, List.copyOf(losses));
  }
}
