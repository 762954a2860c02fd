package org.sparkao.gpu.model;

import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicReference;
import org.sparkao.quant.observe.Workers;

/**
 * Reads the plain numbers of a dense layer while the one before it is used, in a thread of its own:
 * the heap has those of one layer. Mixtures and quantized weights are read when they are loaded.
 * For one caller.
 */
final class LayersAhead implements AutoCloseable {
  private final List<LayerWeights> layers;
  private final int end;
  private final Workers workers;
  private CompletableFuture<LayerWeights> next;

  /**
   * Begins with the first.
   *
   * @param end behind the last one that will be asked for
   * @param workers share what is read
   */
  LayersAhead(List<LayerWeights> layers, int end, Workers workers) {
    this.layers = layers;
    this.end = end;
    this.workers = workers;
    begin(0);
  }

  /** Begins with a layer, when the one before it was loaded. */
  void begin(int index) {
    next =
        index < end
            ? CompletableFuture.supplyAsync(() -> read(layers.get(index)), LayersAhead::startThread)
            : CompletableFuture.completedFuture(null);
  }

  private static void startThread(Runnable work) {
    Thread thread = new Thread(work, "layers-ahead");
    thread.setDaemon(true);
    thread.start();
  }

  private LayerWeights read(LayerWeights layer) {
    if (!(layer.feedForward() instanceof LayerWeights.Dense)) {
      return layer;
    }
    List<LinearWeight> plain =
        layer.linears().filter(linear -> linear.form() instanceof LinearWeight.Plain).toList();
    ByteBuffer[] read = new ByteBuffer[plain.size()];
    workers.run(read.length, i -> read[i] = values(plain.get(i)).bytes().get());
    Map<String, StoredTensor> values = new HashMap<>();
    for (int i = 0; i < read.length; i++) {
      values.put(plain.get(i).name(), once(values(plain.get(i)), read[i]));
    }
    return layer.with(values);
  }

  /** Gives away what was read when it is asked for; who asks again has it read again. */
  private static StoredTensor once(StoredTensor stored, ByteBuffer numbers) {
    AtomicReference<ByteBuffer> here = new AtomicReference<>(numbers);
    return new StoredTensor(
        stored.name(),
        stored.dtype(),
        stored.shape(),
        () -> Optional.ofNullable(here.getAndSet(null)).orElseGet(() -> stored.bytes().get()));
  }

  private static StoredTensor values(LinearWeight linear) {
    return ((LinearWeight.Plain) linear.form()).values();
  }

  /** The layer that was begun with; throws what went wrong when it was read. */
  LayerWeights take() {
    try {
      return next.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof RuntimeException failure) {
        throw failure;
      }
      throw e;
    }
  }

  /** Waits for what is being read. */
  @Override
  public void close() {
    next.exceptionally(failure -> null).join();
  }
}
