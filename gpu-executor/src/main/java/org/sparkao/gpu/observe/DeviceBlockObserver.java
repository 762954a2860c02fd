package org.sparkao.gpu.observe;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.model.BlockInputs;
import org.sparkao.gpu.model.DeviceObserver;
import org.sparkao.quant.observe.BlockSums;
import org.sparkao.quant.observe.CacheSums;
import org.sparkao.quant.observe.InputObserver.Products;
import org.sparkao.quant.observe.InputSums;

/**
 * Sees a block of a dense model on a GPU, and keeps what it saw there: {@link BlockSums} on the
 * device, which are merged there too, in the order of whoever merges. Bits depend on the rows of
 * each call and on the order of calls and merges, and on nothing else.
 */
public final class DeviceBlockObserver implements DeviceObserver, AutoCloseable {
  private final ObserveKernels kernels;
  private final ObserveScratch scratch;
  private final Optional<HeadShape> heads;
  private final Map<String, InputMemory> inputs = new TreeMap<>();
  private final Deque<AutoCloseable> opened = new ArrayDeque<>();
  private Optional<Buffer> headAmax = Optional.empty();

  /**
   * An observer that has seen nothing.
   *
   * @param scratch of the thread
   * @param products whether x x^T is summed
   * @param heads where keys and values are looked at
   * @throws org.sparkao.gpu.OutOfDeviceMemoryException when the sums do not fit
   */
  public DeviceBlockObserver(
      ObserveScratch scratch, BlockInputs block, Products products, Optional<HeadShape> heads) {
    this.kernels = scratch.kernels();
    this.scratch = scratch;
    this.heads = heads;
    try {
      for (BlockInputs.Input input : block.inputs()) {
        InputMemory memory = InputMemory.of(kernels, input.columns(), products);
        opened.push(memory);
        inputs.put(input.name(), memory);
      }
      if (heads.isPresent()) {
        int count = 2 * heads.orElseThrow().keyHeads();
        Buffer amax = kernels.library().device().allocate((long) Float.BYTES * count);
        opened.push(amax);
        kernels.library().device().stream().fill(amax, (byte) 0);
        headAmax = Optional.of(amax);
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** Bytes of the device that it takes, but for a few of keys and values. */
  public static long bytes(BlockInputs block, Products products) {
    return block.inputs().stream()
        .mapToLong(input -> InputMemory.bytes(input.columns(), products))
        .sum();
  }

  @Override
  public void input(String input, Buffer x, int rows, Optional<Norm> norm) {
    InputMemory memory = inputs.get(input);
    Buffer read = scratch.arranged(x, rows, memory.k(), norm);
    kernels.channels(memory, scratch.part(), read, rows);
    kernels.histogram(memory, read, rows);
    memory
        .products()
        .ifPresent(h -> kernels.products(h, read, rows, ObserveKernels.pitch(memory.k())));
    memory.addTokens(rows);
  }

  @Override
  public boolean wantsHeads() {
    return headAmax.isPresent();
  }

  @Override
  public void heads(Buffer values, int rows) {
    HeadShape shape = heads.orElseThrow();
    kernels.heads(
        headAmax.orElseThrow(),
        values,
        rows,
        new ObserveKernels.Heads(
            2 * shape.keyHeads(), shape.rowElements(), shape.queryElements(), shape.dimension()));
  }

  /** Adds what {@code right} saw, which comes later in the fixed order, and closes it. */
  public DeviceBlockObserver merge(DeviceBlockObserver right) {
    inputs.forEach(
        (name, memory) -> {
          InputMemory other = right.inputs.get(name);
          kernels.merge(memory, other);
          memory.addTokens(other.tokens());
        });
    headAmax.ifPresent(amax -> kernels.mergeHeads(amax, right.headAmax.orElseThrow()));
    kernels.library().device().synchronize();
    right.close();
    return this;
  }

  /** Copies what was seen to the host. */
  public BlockSums sums() {
    Map<String, InputSums> all = new TreeMap<>();
    inputs.forEach((name, memory) -> all.put(name, memory.read(kernels, scratch.staged())));
    return new BlockSums(all, headAmax.map(this::cache));
  }

  private CacheSums cache(Buffer amax) {
    int count = heads.orElseThrow().keyHeads();
    float[] both = InputMemory.floats(amax, 2 * count, scratch.staged());
    return new CacheSums(Arrays.copyOf(both, count), Arrays.copyOfRange(both, count, 2 * count));
  }

  /** Gives the memory back; nothing may be under way. */
  @Override
  public void close() {
    while (!opened.isEmpty()) {
      AutoCloseable one = opened.pop();
      if (one instanceof InputMemory memory) {
        memory.close();
      } else if (one instanceof Buffer buffer) {
        buffer.close();
      }
    }
  }
}
