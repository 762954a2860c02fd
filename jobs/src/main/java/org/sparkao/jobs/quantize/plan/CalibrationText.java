package org.sparkao.jobs.quantize.plan;

import java.util.Locale;
import org.sparkao.gpu.device.DeviceInfo.Kind;
import org.sparkao.jobs.config.ByteSize;
import org.sparkao.quant.algorithm.WeightAlgorithm.Needs;
import org.sparkao.quant.calibration.CalibrationInfo;

/** How a plan uses a calibration, for its user. */
public final class CalibrationText {
  private CalibrationText() {}

  /**
   * One line, with its end.
   *
   * @param device that is planned
   */
  public static String of(QuantizePlan plan, CalibrationFolder folder, Kind device) {
    Arithmetic arithmetic = plan.arithmetic();
    CalibratedOptions options = arithmetic.calibrated();
    String how =
        switch (arithmetic.algorithm()) {
          case GPTQ ->
              " (order "
                  + options.order().configName()
                  + ", damping "
                  + options.damping()
                  + ", scales by "
                  + options.search().configName()
                  + ", a task holds up to "
                  + ByteSize.format(bytes(plan, device))
                  + ")";
          case AWQ ->
              " (duo scaling "
                  + options.duo().configName()
                  + ", "
                  + plan.smoothing().size()
                  + " pairs, a task holds up to "
                  + ByteSize.format(bytes(plan, device))
                  + ")";
          case SMOOTHQUANT ->
              " (strength " + options.strength() + ", " + plan.smoothing().size() + " pairs)";
          default -> "";
        };
    CalibrationInfo info = folder.statistics().info();
    String pruning = arithmetic.prunesBy() == Needs.NOTHING ? "" : arithmetic.sparsity().text();
    String algorithm =
        arithmetic.algorithm().needs() == Needs.NOTHING
            ? ""
            : arithmetic.algorithm().configName() + how;
    return String.format(
        Locale.ROOT,
        "%s%s%s by what %s saw: %d x %d tokens of %s%n",
        pruning,
        pruning.isEmpty() || algorithm.isEmpty() ? "" : " and ",
        algorithm,
        folder.location(),
        info.samples(),
        info.sequenceLength(),
        info.data().location());
  }

  private static long bytes(QuantizePlan plan, Kind device) {
    return plan.shards().stream()
        .mapToLong(shard -> CalibrationMemory.bytes(plan.arithmetic(), shard, device))
        .max()
        .orElse(0);
  }
}
