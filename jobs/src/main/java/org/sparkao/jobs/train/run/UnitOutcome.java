package org.sparkao.jobs.train.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.jobs.gpu.ExecutorGpu;
import org.sparkao.jobs.train.plan.TrainCompute;

/**
 * What a task tells the driver, as JSON.
 *
 * @param heapBytes most memory of the executor
 * @param gpuBytes what may be taken of its GPU; without limit where none computes
 * @param refusal why it cannot be done, for the user; empty when it could
 */
record UnitOutcome(long heapBytes, long gpuBytes, String refusal) {
  private static final ObjectMapper JSON = new ObjectMapper();

  static UnitOutcome done(TrainCompute compute) {
    long gpu =
        compute.device() == DeviceInfo.Kind.CUDA
            ? ExecutorGpu.require().device().budget().free()
            : Long.MAX_VALUE;
    return new UnitOutcome(Runtime.getRuntime().maxMemory(), gpu, "");
  }

  /** The least of both. */
  UnitOutcome least(UnitOutcome other) {
    return new UnitOutcome(
        Math.min(heapBytes, other.heapBytes), Math.min(gpuBytes, other.gpuBytes), "");
  }

  static UnitOutcome refused(String reason) {
    return new UnitOutcome(0, 0, reason);
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
