package org.sparkao.gpu.train.cuda;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.tensor.CudaTensor;

/**
 * Tables of tensors for kernels that do something to all of them at once. A training asks for the
 * same few lists at every step: their tables stay on the device.
 */
final class TensorTables implements AutoCloseable {
  /** Numbers of a block. */
  private static final int PIECE = 128 * TensorLaunch.THREADS;

  private static final int ENTRY_BYTES = 24;
  private static final int MOST_TABLES = 8;

  private final CudaDevice device;
  private final Map<List<Entry>, Buffer> tables = new LinkedHashMap<>(16, 0.75f, true);

  TensorTables(CudaDevice device) {
    this.device = device;
  }

  /** A tensor as kernels see it. */
  private record Entry(long address, long elements, int type) {
    static Entry of(CudaTensor tensor) {
      return new Entry(tensor.buffer().address(), tensor.elements(), TensorLaunch.type(tensor));
    }

    int blocks() {
      return TensorLaunch.ceilDiv(elements, PIECE);
    }
  }

  /**
   * What a launch is given.
   *
   * @param entries on the device, valid until eight other tables were asked for
   * @param ends the block behind the last one of each tensor
   */
  record Table(Buffer entries, int[] ends) {
    /** Of a launch. */
    int blocks() {
      return ends[ends.length - 1];
    }
  }

  /** Of at least one tensor. */
  Table of(List<CudaTensor> tensors) {
    List<Entry> entries = tensors.stream().map(Entry::of).toList();
    int[] ends = new int[entries.size()];
    int blocks = 0;
    for (int i = 0; i < ends.length; i++) {
      blocks = Math.addExact(blocks, entries.get(i).blocks());
      ends[i] = blocks;
    }
    Buffer known = tables.get(entries);
    if (known == null) {
      known = upload(entries);
      tables.put(entries, known);
    }
    return new Table(known, ends);
  }

  private Buffer upload(List<Entry> entries) {
    if (tables.size() == MOST_TABLES) {
      device.synchronize();
      tables.remove(tables.keySet().iterator().next()).close();
    }
    ByteBuffer bytes =
        ByteBuffer.allocate(ENTRY_BYTES * entries.size()).order(ByteOrder.LITTLE_ENDIAN);
    int first = 0;
    for (Entry entry : entries) {
      bytes.putLong(entry.address).putLong(entry.elements).putInt(entry.type).putInt(first);
      first += entry.blocks();
    }
    Buffer buffer = device.allocate(bytes.flip().remaining());
    try {
      device.write(buffer, 0, bytes);
      return buffer;
    } catch (RuntimeException e) {
      buffer.close();
      throw e;
    }
  }

  @Override
  public void close() {
    tables.values().forEach(Buffer::close);
    tables.clear();
  }
}
