package org.sparkao.jobs.quantize.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.Optional;
import org.sparkao.quant.metric.TensorStatistics;
import org.sparkao.quant.prune.PruneStatistics;
import org.sparkao.quant.safetensors.WrittenTensor;

/**
 * What a task tells about its file. Goes to the driver as JSON, and lies beside the unfinished
 * output until its rows are committed, so that a killed driver forgets no finished file.
 *
 * @param file name in the output folder
 * @param bytes length
 * @param tensors one for each tensor of the task, in order
 * @param elapsedNanos of the task
 * @param times where the task spent its time; null in notes of older versions
 * @param attempt who did it
 * @param refusal why the input cannot be used, for the user; empty when the file was written
 */
record ShardOutcome(
    String file,
    long bytes,
    List<TensorOutcome> tensors,
    long elapsedNanos,
    TaskTimes times,
    Attempt attempt,
    String refusal) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * Who wrote the file.
   *
   * @param id unique
   * @param number Spark's count of attempts at the task, from 0
   * @param executor Spark's executor
   * @param host its machine
   * @param finishedMillis since 1970; 0 while it is at work
   * @param device what computed, with its architecture
   */
  record Attempt(
      String id, int number, String executor, String host, long finishedMillis, String device) {
    Attempt finishedNow() {
      return new Attempt(id, number, executor, host, System.currentTimeMillis(), device);
    }
  }

  /**
   * One tensor.
   *
   * @param sourceSha256 of what was read
   * @param nonFinite NaN and infinities that were read
   * @param parts what was written, codes first
   * @param statistics null when copied
   * @param pruning null where no zeros were asked for, and in notes of older versions
   * @param fallback what did not go as it was asked for; empty or, in notes of older versions, null
   * @param elapsedNanos time spent
   */
  record TensorOutcome(
      String sourceSha256,
      long nonFinite,
      List<WrittenTensor> parts,
      TensorStatistics statistics,
      PruneStatistics pruning,
      String fallback,
      long elapsedNanos) {}

  String toJson() {
    try {
      return JSON.writeValueAsString(this);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a record of plain values", e);
    }
  }

  /** Empty for a note that was cut short. */
  static Optional<ShardOutcome> find(String json) {
    try {
      return Optional.ofNullable(JSON.readValue(json, ShardOutcome.class));
    } catch (JsonProcessingException e) {
      return Optional.empty();
    }
  }

  static ShardOutcome fromJson(String json) {
    try {
      return JSON.readValue(json, ShardOutcome.class);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("not what a task wrote: " + e.getOriginalMessage(), e);
    }
  }
}
