package org.sparkao.jobs.gpu;

/** What a user wants to compute with. */
public enum DeviceRequest {
  /** The GPU when every executor has one that can be used, else the processor. */
  AUTO("auto"),
  /** The processor. */
  CPU("cpu"),
  /** The GPU, or nothing. */
  CUDA("cuda");

  private final String configName;

  DeviceRequest(String configName) {
    this.configName = configName;
  }

  /** The name on the command line. */
  public String configName() {
    return configName;
  }
}
