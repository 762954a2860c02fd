package org.sparkao.jobs.quantize.plan;

/** What becomes of NaN and infinite weights, which only reading finds. */
public enum NonFinitePolicy {
  /** Kept as the arithmetic has it, and counted. */
  KEEP("keep"),
  /** Ends the run; nothing of the output stays. */
  FAIL("fail");

  private final String configName;

  NonFinitePolicy(String configName) {
    this.configName = configName;
  }

  /** The name on the command line. */
  public String configName() {
    return configName;
  }
}
