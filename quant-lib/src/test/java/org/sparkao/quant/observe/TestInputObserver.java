package org.sparkao.quant.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.quant.golden.GoldenFile;
import org.sparkao.quant.observe.InputObserver.Products;
import org.sparkao.quant.observe.InputObserver.Source;

class TestInputObserver {
  private static final int ROWS = 150;

  private static float[] values(int rows, int k, long seed) {
    Random random = new Random(seed);
    float[] x = new float[rows * k];
    for (int i = 0; i < x.length; i++) {
      x[i] = i % k == 3 ? 0 : (float) (random.nextGaussian() * Math.exp(random.nextGaussian()));
    }
    return x;
  }

  @ParameterizedTest
  @ValueSource(ints = {4, 16, 31, 172, 300})
  void statisticsOfChannelsByBruteForce(int k) {
    float[] x = values(ROWS, k, k);
    InputObserver observer = new InputObserver(k, Products.SUMMED);
    observer.add(x, ROWS, Source.ROUTED, Workers.CALLER);
    InputSums sums = observer.sums();
    assertThat(sums.tokens()).isEqualTo(ROWS);
    assertThat(sums.routed()).isEqualTo(ROWS);
    for (int i = 0; i < k; i++) {
      double[] column = new double[ROWS];
      for (int row = 0; row < ROWS; row++) {
        column[row] = x[row * k + i];
      }
      assertThat((double) sums.min()[i]).isEqualTo(Arrays.stream(column).min().orElseThrow());
      assertThat((double) sums.max()[i]).isEqualTo(Arrays.stream(column).max().orElseThrow());
      double absolute = Arrays.stream(column).map(Math::abs).sum();
      double square = Arrays.stream(column).map(value -> value * value).sum();
      assertThat(sums.absolute()[i]).isCloseTo(absolute, within(1e-5 * absolute + 1e-12));
      assertThat(sums.square()[i]).isCloseTo(square, within(1e-5 * square + 1e-12));
      assertThat((double) sums.crossProducts().orElseThrow()[i * k + i])
          .isCloseTo(square, within(1e-4 * square + 1e-12));
    }
  }

  @Test
  void histogramsOfValuesAndOfTokens() {
    int k = 40;
    float[] x = values(ROWS, k, 1);
    InputObserver observer = new InputObserver(k, Products.NONE);
    observer.add(x, ROWS, Source.ROUTED, Workers.CALLER);
    InputSums sums = observer.sums();
    MagnitudeHistogram all = new MagnitudeHistogram(InputObserver.BINS_PER_OCTAVE);
    MagnitudeHistogram tokens = new MagnitudeHistogram(InputObserver.BINS_PER_OCTAVE);
    for (int row = 0; row < ROWS; row++) {
      float most = 0;
      for (int i = 0; i < k; i++) {
        all.add(x[row * k + i]);
        most = Math.max(most, Math.abs(x[row * k + i]));
      }
      tokens.add(most);
    }
    assertThat(sums.magnitudes().total()).isEqualTo(ROWS * k);
    assertThat(sums.magnitudes().firstBin()).isEqualTo(all.firstBin());
    assertThat(sums.magnitudes().counts()).isEqualTo(all.counts());
    assertThat(sums.tokenAmax().firstBin()).isEqualTo(tokens.firstBin());
    assertThat(sums.tokenAmax().counts()).isEqualTo(tokens.counts());
    assertThat(sums.crossProducts()).isEmpty();
  }

  /** Pieces may run in any order, on any thread. */
  @Test
  void theOrderOfPiecesChangesNoBit() {
    int k = 300;
    Workers backwards =
        (pieces, piece) -> {
          List<Thread> threads = new ArrayList<>();
          for (int i = pieces - 1; i >= 0; i--) {
            threads.add(thread(piece, i));
          }
          Collections.shuffle(threads, new Random(1));
          threads.forEach(Thread::start);
          threads.forEach(TestInputObserver::join);
        };
    InputSums one = observed(k, Workers.CALLER);
    InputSums other = observed(k, backwards);
    assertThat(other.min()).isEqualTo(one.min());
    assertThat(other.max()).isEqualTo(one.max());
    assertThat(other.absolute()).isEqualTo(one.absolute());
    assertThat(other.square()).isEqualTo(one.square());
    assertThat(other.magnitudes().counts()).isEqualTo(one.magnitudes().counts());
    assertThat(other.tokenAmax().counts()).isEqualTo(one.tokenAmax().counts());
  }

  private static InputSums observed(int k, Workers workers) {
    InputObserver observer = new InputObserver(k, Products.NONE);
    for (int call = 0; call < 3; call++) {
      observer.add(values(ROWS, k, call), ROWS, Source.ROUTED, workers);
    }
    return observer.sums();
  }

  private static Thread thread(IntConsumer piece, int index) {
    return new Thread(() -> piece.accept(index));
  }

  private static void join(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Golden: the running range of llm-compressor's static_minmax over four batches of [16, 64]. */
  @Test
  void rangeOfGoldenBatches() {
    Map<String, GoldenFile.Tensor> golden =
        GoldenFile.read(GoldenFile.folder().resolve("algorithms/observers.safetensors"));
    float[] batches = floats(golden.get("act_batches"));
    float[] expected = floats(golden.get("act.static_minmax.fp8_tensor.minmax_after_each_batch"));
    InputObserver observer = new InputObserver(64, Products.NONE);
    for (int batch = 0; batch < 4; batch++) {
      float[] x = Arrays.copyOfRange(batches, batch * 1024, (batch + 1) * 1024);
      observer.add(x, 16, Source.ROUTED, Workers.CALLER);
    }
    TensorRange range = TensorRange.EMPTY;
    InputSums sums = observer.sums();
    for (int i = 0; i < 64; i++) {
      range = range.merge(new TensorRange(sums.min()[i], sums.max()[i]));
    }
    assertThat(range).isEqualTo(new TensorRange(expected[6], expected[7]));
  }

  private static float[] floats(GoldenFile.Tensor tensor) {
    float[] values = new float[tensor.bytes().length / Float.BYTES];
    ByteBuffer.wrap(tensor.bytes()).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    return values;
  }

  @Test
  void sumsOfTwoPartsAddUp() {
    int k = 20;
    InputObserver left = new InputObserver(k, Products.SUMMED);
    InputObserver right = new InputObserver(k, Products.SUMMED);
    InputObserver both = new InputObserver(k, Products.SUMMED);
    left.add(values(ROWS, k, 1), ROWS, Source.ROUTED, Workers.CALLER);
    right.add(values(70, k, 2), 70, Source.SHOWN, Workers.CALLER);
    both.add(values(ROWS, k, 1), ROWS, Source.ROUTED, Workers.CALLER);
    both.add(values(70, k, 2), 70, Source.SHOWN, Workers.CALLER);
    InputSums merged = left.sums().merge(right.sums());
    InputSums whole = both.sums();
    assertThat(merged.tokens()).isEqualTo(220);
    assertThat(merged.routed()).isEqualTo(ROWS);
    assertThat(whole.routed()).isEqualTo(ROWS);
    assertThat(merged.max()).isEqualTo(whole.max());
    assertThat(merged.min()).isEqualTo(whole.min());
    assertThat(merged.magnitudes().counts()).isEqualTo(whole.magnitudes().counts());
    for (int i = 0; i < k; i++) {
      assertThat(merged.square()[i]).isCloseTo(whole.square()[i], within(1e-9));
      assertThat(merged.crossProducts().orElseThrow()[i])
          .isCloseTo(whole.crossProducts().orElseThrow()[i], within(1e-3f));
    }
  }
}
