package org.sparkao.jobs.gpu;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.Serializable;

/**
 * What an executor says about its GPU.
 *
 * @param executor Spark's name of it
 * @param host its machine
 * @param usable whether it can compute
 * @param text the GPU, or why it cannot be used
 */
record GpuReport(String executor, String host, boolean usable, String text)
    implements Serializable {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** One line for the log. */
  String line() {
    return usable ? "executor " + executor + " on " + host + " has " + text : text;
  }

  String toJson() {
    try {
      return JSON.writeValueAsString(this);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a record of plain values", e);
    }
  }

  static GpuReport fromJson(String json) {
    try {
      return JSON.readValue(json, GpuReport.class);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("not what an executor wrote: " + e.getOriginalMessage(), e);
    }
  }
}
