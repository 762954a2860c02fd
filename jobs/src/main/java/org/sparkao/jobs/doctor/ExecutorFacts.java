package org.sparkao.jobs.doctor;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;

/**
 * What a task sees of its executor.
 *
 * @param executor Spark's name of it
 * @param host its machine
 * @param java the version of its Java
 * @param vectors whether the module of the vector API is loaded
 * @param heapBytes the most that its heap may have
 * @param checkpoint why it cannot read the checkpoint; empty when it can, or none was named
 */
record ExecutorFacts(
    String executor, String host, String java, boolean vectors, long heapBytes, String checkpoint) {
  private static final ObjectMapper JSON = new ObjectMapper();

  String toJson() {
    try {
      return JSON.writeValueAsString(this);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a record of plain values", e);
    }
  }

  static ExecutorFacts fromJson(String json) {
    try {
      return JSON.readValue(json, ExecutorFacts.class);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("not what an executor wrote: " + e.getOriginalMessage(), e);
    }
  }
}
