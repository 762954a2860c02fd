package org.sparkao.jobs.train.plan;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.sparkao.gpu.device.DeviceInfo.Kind;
import org.sparkao.gpu.train.Float8;
import org.sparkao.quant.QuantException;

class TestTrainMemory {
  private static final long GIB = 1L << 30;

  /** 2 + 1 + 2 + 3 GiB on the device, 4 GiB of hidden states of all sequences. */
  private static TrainMemory memory(TrainMode mode, Kind device, long other) {
    TrainCompute compute = TrainCompute.of(device, Optional.empty(), Float8.NONE);
    return new TrainMemory(mode, compute, 2 * GIB, GIB, 2 * GIB, 3 * GIB, 4 * GIB, other);
  }

  @Test
  void theProcessorHoldsEverythingOnTheHeap() {
    TrainMemory memory = memory(TrainMode.BLOCK, Kind.CPU, 20 * GIB);
    memory.require(12 * GIB, Long.MAX_VALUE, 1);
    assertThatThrownBy(() -> memory.require(12 * GIB - 1, Long.MAX_VALUE, 1))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("--mode block: a task needs 12.9 GB: 2.15 GB of weights")
        .hasMessageContaining("and the heap has 12.9 GB")
        .hasMessageContaining("SPARKAO_MEMORY");
  }

  @Test
  void hiddenStatesOfAllSequencesStayOnTheHeapOfGpus() {
    TrainMemory memory = memory(TrainMode.BLOCK, Kind.CUDA, 6 * GIB);
    memory.require(4 * GIB, 8 * GIB, 1);
    // Two tasks, each on a GPU of its own, share the heap.
    memory.require(8 * GIB, 8 * GIB, 2);
    assertThatThrownBy(() -> memory.require(7 * GIB, 8 * GIB, 2))
        .hasMessageContaining("2 of them may run in one executor, and the heap has 7.52 GB");
    assertThatThrownBy(() -> memory.require(4 * GIB, 7 * GIB, 1))
        .hasMessageContaining("and the GPU has 7.52 GB; --mode model needs 6.44 GB and fits");
    assertThatThrownBy(() -> memory.require(3 * GIB, 8 * GIB, 1))
        .hasMessageContaining("and the heap has 3.22 GB; give executors more memory");
  }

  @Test
  void workersMayShareAGpu() {
    TrainMemory memory = memory(TrainMode.MODEL, Kind.CUDA, 6 * GIB);
    memory.require(8 * GIB, 16 * GIB, 2);
    assertThatThrownBy(() -> memory.require(8 * GIB, 15 * GIB, 2))
        .hasMessageContaining("2 of them may run in one executor, and the GPU has 16.1 GB")
        .hasMessageContaining("fewer --workers");
  }
}
