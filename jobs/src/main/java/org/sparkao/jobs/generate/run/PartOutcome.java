package org.sparkao.jobs.generate.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;

/**
 * What a task tells the driver, as JSON.
 *
 * @param samples that it wrote
 * @param newTokens of them
 * @param places sequences that the model continues at a time
 * @param numerics how it computes
 * @param device what computes
 * @param refusal why the model cannot be run, for the user; empty when it could
 */
record PartOutcome(
    int samples, long newTokens, int places, String numerics, String device, String refusal) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Nothing was computed. */
  static PartOutcome refused(String reason) {
    return new PartOutcome(0, 0, 0, "", "", reason);
  }

  /** How, and on what, samples are computed. */
  static String way(String numerics, String device) {
    return numerics + "; on " + device;
  }

  /** The same of this one. */
  String way() {
    return way(numerics, device);
  }

  String toJson() {
    try {
      return JSON.writeValueAsString(this);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a record of plain values", e);
    }
  }

  static PartOutcome fromJson(String json) {
    try {
      return JSON.readValue(json, PartOutcome.class);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("not what a task wrote: " + e.getOriginalMessage(), e);
    }
  }
}
