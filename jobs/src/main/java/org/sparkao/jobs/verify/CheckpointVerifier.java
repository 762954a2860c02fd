package org.sparkao.jobs.verify;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.sparkao.quant.config.ConfigReader;
import org.sparkao.quant.config.ConfigReading;
import org.sparkao.quant.config.Finding;

/** Runs the rules over a checkpoint. */
final class CheckpointVerifier {
  private CheckpointVerifier() {}

  /** All findings, of the configuration first. */
  static VerifyReport verify(CheckpointContents contents, List<Rule> rules) throws IOException {
    ConfigReading reading = ConfigReader.read(contents.config());
    CheckpointView view =
        new CheckpointView(contents, reading.config(), ModuleTensors.of(contents.tensors()));
    List<Finding> findings = new ArrayList<>(reading.findings());
    for (Rule rule : rules) {
      findings.addAll(rule.check(view));
    }
    long quantized = view.modules().stream().filter(ModuleTensors::quantized).count();
    return new VerifyReport(contents.location(), contents.tensors().size(), quantized, findings);
  }
}
