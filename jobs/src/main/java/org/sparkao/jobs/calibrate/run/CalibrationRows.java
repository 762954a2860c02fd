package org.sparkao.jobs.calibrate.run;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.sparkao.gpu.model.BlockInputs;
import org.sparkao.jobs.table.CalibrationRow;
import org.sparkao.quant.calibration.CalibratedInput;
import org.sparkao.quant.calibration.Calibration;
import org.sparkao.quant.calibration.CalibrationInfo;

/** The rows of a finished calibration, from its files. */
final class CalibrationRows {
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
                  values(seen),
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

  private static CalibrationRow.Values values(CalibratedInput seen) {
    return new CalibrationRow.Values(
        seen.range().amax(),
        seen.meanSquareOfTensor(),
        List.of(
            (double) seen.magnitudes().percentile(99),
            (double) seen.magnitudes().percentile(99.9),
            (double) seen.magnitudes().percentile(99.99)),
        seen.deadChannels());
  }
}
