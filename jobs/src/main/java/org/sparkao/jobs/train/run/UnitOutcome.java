package org.sparkao.jobs.train.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;

/**
 * What a task tells the driver, as JSON.
 *
 * @param heapBytes most memory of the executor
 * @param refusal why it cannot be done, for the user; empty when it could
 */
record UnitOutcome(long heapBytes, String refusal) {
  private static final ObjectMapper JSON = new ObjectMapper();

  static UnitOutcome done() {
    return new UnitOutcome(Runtime.getRuntime().maxMemory(), "");
  }

  static UnitOutcome refused(String reason) {
    return new UnitOutcome(0, reason);
  }

  String toJson() {
    try {
      return JSON.writeValueAsString(this);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a record of plain values", e);
    }
  }

  static UnitOutcome fromJson(String json) {
    try {
      return JSON.readValue(json, UnitOutcome.class);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("not what a task wrote: " + e.getOriginalMessage(), e);
    }
  }
}
