package org.sparkao.jobs.calibrate.run;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.sparkao.gpu.model.BlockInputs;
import org.sparkao.jobs.table.CalibrationRow;
import org.sparkao.quant.calibration.CalibratedInput;
import org.sparkao.quant.calibration.Calibration;
import org.sparkao.quant.calibration.CalibrationInfo;
import org.sparkao.quant.calibration.StaticRange;
import org.sparkao.quant.observe.CacheSums;

/** The rows of a finished calibration, from its files. */
final class CalibrationRows {
  /** Of symmetric codes between zero and the largest. */
  private static final double INT8_STEPS = 127;

  private final String runId;
  private final String location;
  private final Calibration calibration;

  CalibrationRows(String runId, String location, Calibration calibration) {
    this.runId = runId;
    this.location = location;
    this.calibration = calibration;
  }

  /** One a linear layer, in the order of the blocks. */
  List<CalibrationRow> of(List<BlockInputs> blocks) throws IOException {
    List<CalibrationRow> rows = new ArrayList<>();
    Instant now = Instant.now();
    for (int i = 0; i < blocks.size(); i++) {
      CalibrationInfo.Block file = calibration.info().blocks().get(i);
      for (BlockInputs.Input input : blocks.get(i).inputs()) {
        CalibratedInput seen = calibration.input(input.name());
        for (String module : input.modules()) {
          rows.add(
              new CalibrationRow(
                  runId,
                  module,
                  input.name(),
                  input.columns(),
                  new CalibrationRow.Tokens(
                      seen.tokens(), seen.routed(), calibration.info().tokens()),
                  values(seen, cache(blocks.get(i).block(), module)),
                  input.expert().isPresent()
                      ? OptionalLong.of(input.expert().getAsInt())
                      : OptionalLong.empty(),
                  new CalibrationRow.File(location + "/" + file.file(), file.sha256()),
                  now));
        }
      }
    }
    return rows;
  }

  private static CalibrationRow.Values values(CalibratedInput seen, OptionalDouble cache) {
    return new CalibrationRow.Values(
        StaticRange.AMAX.of(seen, INT8_STEPS),
        seen.meanSquareOfTensor(),
        List.of(
            (double) seen.magnitudes().percentile(99),
            (double) seen.magnitudes().percentile(99.9),
            (double) StaticRange.PERCENTILE.of(seen, INT8_STEPS)),
        StaticRange.LEAST_SQUARES.of(seen, INT8_STEPS),
        seen.deadChannels(),
        cache);
  }

  private OptionalDouble cache(String block, String module) throws IOException {
    boolean keys = module.endsWith(".k_proj");
    if (!calibration.info().has(CalibrationInfo.KV_CACHE) || !keys && !module.endsWith(".v_proj")) {
      return OptionalDouble.empty();
    }
    CacheSums sums = calibration.cache(block);
    double most = 0;
    for (float amax : keys ? sums.key() : sums.value()) {
      most = Math.max(most, amax);
    }
    return OptionalDouble.of(most);
  }
}
