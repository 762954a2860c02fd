package org.sparkao.gpu.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.observe.Workers;
import org.sparkao.quant.safetensors.DType;

/** Which layers are read, and when. */
@Timeout(60)
class TestLayersAhead {
  private static final int LINEARS = 5;

  private final AtomicInteger reads = new AtomicInteger();

  /** Its numbers are its index. */
  private StoredTensor tensor(String name, int index, CountDownLatch read) {
    return new StoredTensor(
        name,
        DType.F32,
        List.of(1L, 1L),
        () -> {
          reads.incrementAndGet();
          read.countDown();
          if (index < 0) {
            throw new QuantException(name + ": truncated");
          }
          return ByteBuffer.allocate(Float.BYTES).putFloat(0, index);
        });
  }

  private LinearWeight linear(String name, int index, CountDownLatch read) {
    LinearWeight.Plain plain = new LinearWeight.Plain(tensor(name, index, read));
    return new LinearWeight(name, 1, 1, plain, Optional.empty());
  }

  private LayerWeights layer(int index, CountDownLatch read) {
    StoredTensor norm = tensor("norm", index, new CountDownLatch(1));
    return new LayerWeights(
        "layer",
        norm,
        List.of(linear("q", index, read)),
        Optional.empty(),
        linear("o", index, read),
        norm,
        new LayerWeights.Dense(
            linear("gate", index, read), linear("up", index, read), linear("down", index, read)));
  }

  private static List<Float> numbers(LayerWeights layer) {
    return layer
        .linears()
        .map(linear -> ((LinearWeight.Plain) linear.form()).values().bytes().get().getFloat(0))
        .toList();
  }

  @Test
  void theNextLayerIsReadBeforeItIsAskedFor() throws InterruptedException {
    CountDownLatch second = new CountDownLatch(LINEARS);
    CountDownLatch first = new CountDownLatch(LINEARS);
    CountDownLatch third = new CountDownLatch(LINEARS);
    List<LayerWeights> layers = List.of(layer(0, first), layer(1, second), layer(2, third));
    try (LayersAhead ahead = new LayersAhead(layers, 2, Workers.ALL_CORES)) {
      LayerWeights taken = ahead.take();
      ahead.begin(1);
      second.await();
      assertThat(numbers(taken)).hasSize(LINEARS).containsOnly(0f);
      assertThat(reads).hasValue(2 * LINEARS);
      assertThat(numbers(taken)).as("read again").containsOnly(0f);
      assertThat(reads).hasValue(3 * LINEARS);
      assertThat(numbers(ahead.take())).containsOnly(1f);
      ahead.begin(2);
    }
    assertThat(third.getCount()).as("nobody asks for the third").isEqualTo(LINEARS);
    assertThat(reads).hasValue(3 * LINEARS);
  }

  @Test
  void whatCannotBeReadIsToldToWhoAsks() {
    List<LayerWeights> layers =
        List.of(layer(0, new CountDownLatch(1)), layer(-1, new CountDownLatch(1)));
    try (LayersAhead ahead = new LayersAhead(layers, 2, Workers.CALLER)) {
      ahead.take();
      ahead.begin(1);
      assertThatThrownBy(ahead::take).isInstanceOf(QuantException.class).hasMessage("q: truncated");
    }
  }
}
