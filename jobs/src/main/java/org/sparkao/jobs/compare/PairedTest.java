package org.sparkao.jobs.compare;

import java.util.List;
import java.util.Optional;
import org.apache.commons.math3.distribution.NormalDistribution;
import org.sparkao.jobs.table.EvalItemRow;

/**
 * Whether two runs differ in a metric of a task, by the items that they have in common. Where items
 * are right or wrong the probability is McNemar's; else that of a normal distribution with the
 * bootstrap's standard error.
 *
 * @param pairs items
 * @param reference the metric of run A over the pairs
 * @param value the metric of run B over the pairs
 * @param low end of the 95 % interval of value - reference
 * @param high the other end
 * @param probability two-sided, that chance alone makes a difference of this size
 * @param method which test
 * @param worse whether B's value is on the worse side of A's
 */
public record PairedTest(
    long pairs,
    double reference,
    double value,
    double low,
    double high,
    double probability,
    String method,
    boolean worse) {
  private static final NormalDistribution NORMAL = new NormalDistribution();

  /** B's value less A's. */
  public double difference() {
    return value - reference;
  }

  /**
   * The test of a metric.
   *
   * @param a rows of one task of run A
   * @param b rows of the same task of run B
   * @return nothing where no item is in both runs, or one of them lacks the metric
   * @throws org.sparkao.quant.QuantException when the versions of the task differ
   */
  public static Optional<PairedTest> of(List<EvalItemRow> a, List<EvalItemRow> b, String metric) {
    return Comparison.of(a, b).lines().stream()
        .filter(line -> line.metric().equals(metric))
        .findFirst()
        .map(PairedTest::of);
  }

  private static PairedTest of(Comparison.Line line) {
    PairedBootstrap values = line.bootstrap();
    double difference = values.difference();
    boolean more = difference > 0;
    return new PairedTest(
        line.items().a().size(),
        values.a(),
        values.b(),
        values.low(),
        values.high(),
        line.flips().map(McNemar::probability).orElseGet(() -> probability(values)),
        line.flips().map(flips -> "McNemar, " + flips.method()).orElse("bootstrap"),
        difference != 0 && more != Statistic.higherIsBetter(line.metric()));
  }

  /** Of a difference at least this large where there is none; what never varies is no chance. */
  private static double probability(PairedBootstrap values) {
    double distance = Math.abs(values.difference());
    if (distance == 0) {
      return 1;
    }
    return values.standardError() == 0
        ? 0
        : 2 * NORMAL.cumulativeProbability(-distance / values.standardError());
  }

  /** Whether a larger value of a metric is the better one. */
  public static boolean higherIsBetter(String metric) {
    return Statistic.higherIsBetter(metric);
  }
}
