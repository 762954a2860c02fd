package org.sparkao.gpu.executor;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.function.Supplier;
import org.sparkao.gpu.GpuErrors;
import org.sparkao.gpu.GpuException;
import org.sparkao.gpu.device.BusyTime;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.CudaEvent;
import org.sparkao.gpu.device.CudaStream;
import org.sparkao.gpu.device.MemoryBudget;
import org.sparkao.gpu.module.KernelLibrary;

/**
 * A GPU of this JVM, with its kernels and the permits of the tasks that share it. There is one at
 * most for each GPU: the list of them is the only static state of this module.
 */
public final class GpuExecutor implements AutoCloseable {
  private static final List<GpuExecutor> OPEN = new ArrayList<>();

  private final GpuSettings settings;
  private final CudaDevice device;
  private final KernelLibrary kernels;
  private final Permits permits;
  private final SplitOnOutOfMemory splitter = new SplitOnOutOfMemory();
  private final ConcurrentLinkedQueue<Lane> lanes = new ConcurrentLinkedQueue<>();
  private final LongAdder deviceNanos = new LongAdder();
  private final BusyTime busy = new BusyTime();

  private GpuExecutor(GpuSettings settings, CudaDevice device) {
    this.settings = settings;
    this.device = device;
    this.kernels = KernelLibrary.of(device);
    this.permits = new Permits(settings.permits());
    for (int i = 0; i < settings.permits(); i++) {
      lanes.add(new Lane(device.newStream(), device.newEvent(), device.newEvent()));
    }
  }

  /**
   * Opens a GPU for this JVM; the same one when it is open with the same settings. Whoever started
   * it first closes it.
   *
   * @throws GpuException when the GPU cannot be used, with the reason, or is open with others
   */
  public static synchronized GpuExecutor start(GpuSettings settings) {
    for (GpuExecutor open : OPEN) {
      if (open.settings.equals(settings)) {
        return open;
      }
      if (open.settings.ordinal() == settings.ordinal()) {
        throw new GpuException(
            GpuErrors.executorRunning(
                open.device.info().label() + " (" + open.settings + ")", settings.ordinal()));
      }
    }
    CudaDevice device =
        CudaDevice.open(settings.ordinal(), MemoryBudget.of(settings.budgetBytes()));
    try {
      GpuExecutor executor = new GpuExecutor(settings, device);
      OPEN.add(executor);
      return executor;
    } catch (RuntimeException e) {
      device.close();
      throw e;
    }
  }

  /** All that are open, in the order in which they were started. */
  public static synchronized List<GpuExecutor> open() {
    return List.copyOf(OPEN);
  }

  /** The GPU. */
  public CudaDevice device() {
    return device;
  }

  /** Its kernels. */
  public KernelLibrary kernels() {
    return kernels;
  }

  /** Who may use it at a time. */
  public Permits permits() {
    return permits;
  }

  /** Time between begin and end of all work of {@link #run} on the device, in nanoseconds. */
  public long deviceNanos() {
    return deviceNanos.sum();
  }

  /** When its engines are at work, as far as tasks tell. */
  public BusyTime busy() {
    return busy;
  }

  /** How often work was split because memory did not suffice. */
  public long splits() {
    return splitter.splits();
  }

  /**
   * Runs work with a permit, in a stream of its own, and waits for the device to finish it. Work
   * inside must not ask for a permit again.
   */
  public <R> R run(Supplier<R> work) {
    Permits.Permit permit = permits.acquire();
    // A permit stands for a lane, so there is one.
    Lane lane = lanes.remove();
    try {
      List<R> result = new ArrayList<>(1);
      device.on(lane.stream, () -> result.add(timed(lane, work)));
      return result.get(0);
    } finally {
      lanes.add(lane);
      permit.close();
    }
  }

  /**
   * The same without a permit, for tasks that wait for each other: one that waits must not keep the
   * others from what they need.
   */
  public <R> R runWithoutPermit(Supplier<R> work) {
    try (CudaStream stream = device.newStream()) {
      List<R> result = new ArrayList<>(1);
      device.on(
          stream,
          () -> {
            result.add(work.get());
            stream.synchronize();
          });
      return result.get(0);
    }
  }

  /**
   * Runs a piece of work; when the memory of the device does not suffice, splits it and runs the
   * pieces one after the other, which may be split again. Work that failed must have closed what it
   * took.
   *
   * @param work the whole; its {@code toString()} is what messages name
   * @param split pieces in order; fewer than two when the piece cannot be smaller
   * @param run does a piece
   * @return results of the pieces, in the order of the work
   * @throws org.sparkao.gpu.OutOfDeviceMemoryException when a smallest piece does not fit
   */
  public <W, R> List<R> withSplitOnOutOfMemory(
      W work, Function<W, List<W>> split, Function<W, R> run) {
    return splitter.run(work, split, run);
  }

  /** Frees everything on the GPU. No work may be under way. Closing twice does nothing. */
  @Override
  public void close() {
    synchronized (GpuExecutor.class) {
      OPEN.remove(this);
    }
    try {
      kernels.close();
    } finally {
      device.close();
    }
  }

  private <R> R timed(Lane lane, Supplier<R> work) {
    lane.stream.record(lane.begin);
    R result = work.get();
    lane.stream.record(lane.end);
    lane.stream.synchronize();
    deviceNanos.add(lane.end.nanosSince(lane.begin));
    return result;
  }

  /** What a task works with while it holds a permit. */
  private record Lane(CudaStream stream, CudaEvent begin, CudaEvent end) {}
}
