package org.sparkao.gpu.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.gpu.OutOfDeviceMemoryException;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.MemoryBudget;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.gpu.model.BlockInputs;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.observe.CacheSums;
import org.sparkao.quant.observe.InputObserver;
import org.sparkao.quant.observe.InputObserver.Products;
import org.sparkao.quant.observe.InputObserver.Source;
import org.sparkao.quant.observe.InputSums;
import org.sparkao.quant.observe.Workers;

/** Statistics of the device against those of quant-lib. */
@Tag("gpu")
class TestDeviceBlockObserverOnGpu {
  private static final String NAME = "model.layers.0.mlp.gate_proj";
  private static final int MOST_ROWS = 300;

  private static CudaDevice device;
  private static KernelLibrary kernels;

  @BeforeAll
  static void open() {
    device = CudaDevice.open(0, MemoryBudget.of(1L << 30));
    kernels = KernelLibrary.of(device);
  }

  @AfterAll
  static void close() {
    kernels.close();
    device.close();
  }

  @AfterEach
  void nothingIsLeft() {
    assertThat(device.budget().inUse()).isZero();
  }

  @ParameterizedTest
  @CsvSource({"BF16, 16", "BF16, 172", "BF16, 640", "FP32, 16", "FP32, 172", "FP32, 640"})
  void equalsTheHostInTheOrderOfCallsAndMerges(Arithmetic arithmetic, int columns) {
    BlockInputs block = block(columns);
    InputObserver first = new InputObserver(columns, Products.SUMMED);
    InputObserver second = new InputObserver(columns, Products.SUMMED);
    try (ObserveScratch scratch =
            new ObserveScratch(kernels, arithmetic, List.of(block), MOST_ROWS);
        DeviceBlockObserver left = observer(scratch, block, Products.SUMMED);
        DeviceBlockObserver right = observer(scratch, block, Products.SUMMED)) {
      int seed = 0;
      for (int rows : new int[] {1, MOST_ROWS, 65}) {
        see(left, first, values(seed++, rows, columns, arithmetic), arithmetic, rows);
        see(right, second, values(seed++, rows, columns, arithmetic), arithmetic, rows);
      }
      InputSums expected = first.sums();
      SumsCheck.assertSame(left.sums().inputs().get(NAME), expected, arithmetic);
      InputSums merged = left.merge(right).sums().inputs().get(NAME);
      SumsCheck.assertSame(merged, expected.merge(second.sums()), arithmetic);
    }
  }

  @Test
  void productsAreLeftOutWhereTheyAreNotWanted() {
    BlockInputs block = block(32);
    InputObserver host = new InputObserver(32, Products.NONE);
    try (ObserveScratch scratch =
            new ObserveScratch(kernels, Arithmetic.BF16, List.of(block), MOST_ROWS);
        DeviceBlockObserver observer = observer(scratch, block, Products.NONE)) {
      see(observer, host, values(1, 50, 32, Arithmetic.BF16), Arithmetic.BF16, 50);
      SumsCheck.assertSame(observer.sums().inputs().get(NAME), host.sums(), Arithmetic.BF16);
    }
  }

  @Test
  void largestKeysAndValues() {
    HeadShape shape = new HeadShape(4, 2, 16);
    int columns = shape.rowElements();
    float[] x = values(9, 100, columns, Arithmetic.FP32);
    BlockInputs block = block(16);
    try (ObserveScratch scratch =
            new ObserveScratch(kernels, Arithmetic.FP32, List.of(block), MOST_ROWS);
        DeviceBlockObserver left =
            new DeviceBlockObserver(scratch, block, Products.NONE, Optional.of(shape));
        DeviceBlockObserver right =
            new DeviceBlockObserver(scratch, block, Products.NONE, Optional.of(shape));
        Buffer on = upload(x, Arithmetic.FP32)) {
      left.heads(on, 40);
      right.heads(on.slice(40L * columns * Float.BYTES, 60L * columns * Float.BYTES), 60);
      CacheSums sums = left.merge(right).sums().cache().orElseThrow();
      for (int head = 0; head < 2; head++) {
        float key = 0;
        float value = 0;
        for (int row = 0; row < 100; row++) {
          for (int i = 0; i < 16; i++) {
            int at = row * columns + (4 + head) * 16 + i;
            key = Math.max(key, Math.abs(x[at]));
            value = Math.max(value, Math.abs(x[at + 2 * 16]));
          }
        }
        assertThat(sums.key()[head]).isEqualTo(key);
        assertThat(sums.value()[head]).isEqualTo(value);
      }
    }
  }

  @Test
  void sumsThatDoNotFit() {
    BlockInputs block = block(16384);
    try (ObserveScratch scratch =
        new ObserveScratch(kernels, Arithmetic.BF16, List.of(block), MOST_ROWS)) {
      assertThatThrownBy(() -> observer(scratch, block, Products.SUMMED))
          .isInstanceOf(OutOfDeviceMemoryException.class);
    }
  }

  private static DeviceBlockObserver observer(
      ObserveScratch scratch, BlockInputs block, Products products) {
    return new DeviceBlockObserver(scratch, block, products, Optional.empty());
  }

  private static BlockInputs block(int columns) {
    return new BlockInputs(
        "model.layers.0",
        List.of(
            new BlockInputs.Input(NAME, columns, List.of(NAME), OptionalInt.empty()),
            new BlockInputs.Input("other", 48, List.of("other"), OptionalInt.empty())));
  }

  private static void see(
      DeviceBlockObserver observer,
      InputObserver host,
      float[] x,
      Arithmetic arithmetic,
      int rows) {
    host.add(x, rows, Source.ROUTED, Workers.CALLER);
    try (Buffer on = upload(x, arithmetic)) {
      observer.input(NAME, on, rows, Optional.empty());
      device.synchronize();
    }
  }

  private static Buffer upload(float[] x, Arithmetic arithmetic) {
    ByteBuffer bytes =
        ByteBuffer.allocate(arithmetic.bytes() * x.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : x) {
      if (arithmetic == Arithmetic.FP32) {
        bytes.putFloat(value);
      } else {
        bytes.putShort((short) (Float.floatToRawIntBits(value) >>> 16));
      }
    }
    Buffer buffer = device.allocate(bytes.capacity());
    device.write(buffer, 0, bytes.flip());
    return buffer;
  }

  /** Numbers of many sizes, zeros of both signs among them. */
  private static float[] values(int seed, int rows, int columns, Arithmetic arithmetic) {
    Random random = new Random(seed);
    float[] x = new float[rows * columns];
    for (int i = 0; i < x.length; i++) {
      float value = (float) (random.nextGaussian() * Math.exp(2 * random.nextGaussian()));
      x[i] = i % 31 == 0 ? 0f : i % 37 == 0 ? -0f : i % 1009 == 0 ? 1e-25f : value;
      if (arithmetic == Arithmetic.BF16) {
        x[i] = WeightType.BF16.round(x[i]);
      }
    }
    return x;
  }
}
