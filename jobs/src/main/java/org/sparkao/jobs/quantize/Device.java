package org.sparkao.jobs.quantize;

/** What computes. */
enum Device {
  AUTO("auto"),
  CPU("cpu"),
  CUDA("cuda");

  private final String configName;

  Device(String configName) {
    this.configName = configName;
  }

  String configName() {
    return configName;
  }
}
