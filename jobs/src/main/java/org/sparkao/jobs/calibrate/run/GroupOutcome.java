package org.sparkao.jobs.calibrate.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;

/**
 * What a task tells the driver, as JSON.
 *
 * @param numerics how the model computes
 * @param device what computed, with its architecture
 * @param heapBytes most memory of the executor
 * @param refusal why it cannot be done, for the user; empty when it could
 */
record GroupOutcome(String numerics, String device, long heapBytes, String refusal) {
  private static final ObjectMapper JSON = new ObjectMapper();

  static GroupOutcome refused(String reason) {
    return new GroupOutcome("", "", 0, reason);
  }

  /** How, and on what, statistics are computed. */
  String way() {
    return numerics + " on " + device;
  }

  String toJson() {
    try {
      return JSON.writeValueAsString(this);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a record of plain values", e);
    }
  }

  static GroupOutcome fromJson(String json) {
    try {
      return JSON.readValue(json, GroupOutcome.class);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("not what a task wrote: " + e.getOriginalMessage(), e);
    }
  }
}
