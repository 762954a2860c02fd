package org.sparkao.jobs.verify;

import java.util.List;
import org.sparkao.quant.config.Finding;
import org.sparkao.quant.config.Loader;
import org.sparkao.quant.config.Severity;

/**
 * What came of verifying a checkpoint.
 *
 * @param location the checkpoint as the user named it
 * @param tensors how many it has
 * @param quantizedModules how many modules are quantized
 * @param findings what is wrong
 */
public record VerifyReport(
    String location, long tensors, long quantizedModules, List<Finding> findings) {

  /** Freezes the list. */
  public VerifyReport {
    findings = List.copyOf(findings);
  }

  /** Findings of that severity that concern the loader. */
  public long count(Severity severity, Loader loader) {
    return findings.stream()
        .filter(finding -> finding.severity() == severity && finding.loaders().contains(loader))
        .count();
  }

  /** Findings of that severity. */
  public long count(Severity severity) {
    return findings.stream().filter(finding -> finding.severity() == severity).count();
  }

  /** Whether nothing is an error. */
  public boolean clean() {
    return count(Severity.ERROR) == 0;
  }
}
