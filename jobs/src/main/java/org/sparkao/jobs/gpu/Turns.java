package org.sparkao.jobs.gpu;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.sparkao.gpu.device.DeviceInfo;

/**
 * Tasks take turns at what computes: the processor, of which each uses all cores, or a GPU of the
 * executor. Spark gives no way from a task to its neighbours: hence static.
 */
public final class Turns {
  /** The key of the processor, beside the numbers of GPUs. */
  private static final int PROCESSOR = -1;

  private static final Map<Integer, ReentrantLock> OF_DEVICES = new ConcurrentHashMap<>();

  private Turns() {}

  /** The lock of this task's device; fair. */
  public static ReentrantLock at(PlannedDevice planned) {
    int device =
        planned.kind() == DeviceInfo.Kind.CUDA
            ? ExecutorGpu.require().device().info().ordinal()
            : PROCESSOR;
    return of(device);
  }

  static ReentrantLock of(int device) {
    return OF_DEVICES.computeIfAbsent(device, number -> new ReentrantLock(true));
  }
}
