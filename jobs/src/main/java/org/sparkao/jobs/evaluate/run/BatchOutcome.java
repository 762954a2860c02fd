package org.sparkao.jobs.evaluate.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import org.sparkao.jobs.evaluate.logits.Agreement;

/**
 * What a task tells the driver, as JSON.
 *
 * @param items one for each item of its batches
 * @param who computed them
 * @param refusal why the model cannot be run, for the user; empty when it could
 */
record BatchOutcome(List<ItemOutcome> items, Who who, String refusal) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * What the model said to an item.
   *
   * @param position of the item in the plan
   * @param logLikelihoods one a request
   * @param greedy one a request
   * @param generated the text of a continuation, cut before what ended it; else null
   * @param newTokens tokens of the continuation
   * @param nanos its share of the batch's time
   * @param agreement with the base; null without one
   */
  record ItemOutcome(
      int position,
      List<Double> logLikelihoods,
      List<Boolean> greedy,
      String generated,
      int newTokens,
      long nanos,
      Agreement agreement) {}

  /**
   * Who computed.
   *
   * @param numerics how the model computes
   * @param device what computed, with its architecture
   * @param executor Spark's
   * @param attempt Spark's attempts at the task before it
   * @param finishedMillis since 1970
   */
  record Who(String numerics, String device, String executor, int attempt, long finishedMillis) {
    /** What all executors of a run have in common. */
    String way() {
      return numerics + " on " + device;
    }
  }

  /** Nothing was computed. */
  static BatchOutcome refused(String reason) {
    return new BatchOutcome(List.of(), new Who("", "", "", 0, 0), reason);
  }

  String toJson() {
    try {
      return JSON.writeValueAsString(this);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a record of plain values", e);
    }
  }

  static BatchOutcome fromJson(String json) {
    try {
      return JSON.readValue(json, BatchOutcome.class);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("not what a task wrote: " + e.getOriginalMessage(), e);
    }
  }
}
