package org.sparkao.gpu.layer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.layer.HeadPreparation.Norms;
import org.sparkao.gpu.layer.HeadPreparation.Places;
import org.sparkao.gpu.layer.HeadPreparation.Rotation;
import org.sparkao.gpu.layer.HeadPreparation.Steps;

/** Norms, rotation and append, against the reference. */
abstract class AbstractTestHeadPreparation extends AbstractLayerTest {
  private static final int SEQUENCES = 3;
  private static final int CAPACITY = 30;
  private static final int POSITIONS = 40;

  abstract HeadPreparation operator();

  /** Which steps are taken. */
  private record Wanted(KvCache.Type type, boolean norms, boolean perToken) {}

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "FP32")
  void preparesEveryDimension(KvCache.Type type) {
    for (int dimension : new int[] {16, 64, 80, 96, 128, 256}) {
      for (int rows : ROWS) {
        for (boolean norms : new boolean[] {false, true}) {
          check(new HeadShape(4, 2, dimension), rows, new Wanted(type, norms, rows != 3));
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "FP32")
  void preparesManyHeads(KvCache.Type type) {
    check(new HeadShape(9, 3, 64), 17, new Wanted(type, false, true));
    check(new HeadShape(32, 8, 128), 17, new Wanted(type, true, true));
  }

  @Test
  void rotatesWithoutCache() {
    HeadShape shape = new HeadShape(2, 1, 64);
    float[] qkv = CaseDevice.normal(2L * shape.rowElements(), 1);
    float[] actual = rotate(tested, operator(), shape, qkv, 0, 7);
    float[] expected = rotate(reference, new ReferenceHeadPreparation(), shape, qkv, 0, 7);
    LayerTolerance.assertWithin(LayerTolerance.ROUNDED, actual, expected);
    assertThat(Arrays.copyOf(actual, shape.rowElements()))
        .isEqualTo(Arrays.copyOf(qkv, shape.rowElements()));
  }

  private void check(HeadShape shape, int rows, Wanted wanted) {
    float[] qkv = CaseDevice.normal((long) rows * shape.rowElements(), rows);
    Prepared actual = prepare(tested, operator(), shape, qkv, wanted);
    Prepared expected = prepare(reference, new ReferenceHeadPreparation(), shape, qkv, wanted);
    LayerTolerance.assertWithin(LayerTolerance.ROUNDED, actual.qkv(), expected.qkv());
    LayerTolerance.assertWithin(LayerTolerance.ROUNDED, actual.keys(), expected.keys());
    // Values are not computed with: they are stored bit for bit as the reference does.
    assertThat(actual.valueCodes()).isEqualTo(expected.valueCodes());
    assertThat(actual.valueScales()).isEqualTo(expected.valueScales());
  }

  /** What a call left: q, k and v, the appended keys as numbers, the cache of values as it is. */
  private record Prepared(float[] qkv, float[] keys, byte[] valueCodes, byte[] valueScales) {}

  private static Prepared prepare(
      CaseDevice on, HeadPreparation operator, HeadShape shape, float[] qkv, Wanted wanted) {
    int rows = qkv.length / shape.rowElements();
    int[] positions = new int[rows];
    int[] sequences = new int[rows];
    // Distinct places; every ninth row stands for nothing, and some lie beyond the cache.
    Arrays.setAll(positions, row -> row % 9 == 2 ? -1 : 2 * row + 1);
    Arrays.setAll(sequences, row -> row % SEQUENCES);
    Places places = new Places(on.ints(positions), Optional.of(on.ints(sequences)), rows);
    KvCache cache = emptyCache(on, shape, wanted);
    Optional<Norms> norms =
        Optional.of(
                new Norms(
                    on.bf16(CaseDevice.normal(shape.dimension(), 1)),
                    on.bf16(CaseDevice.normal(shape.dimension(), 2)),
                    1e-6f))
            .filter(n -> wanted.norms());
    Buffer x = on.bf16(qkv);
    operator.prepare(
        x, shape, places, new Steps(norms, Optional.of(rotation(on, shape)), Optional.of(cache)));
    byte[] valueScales = cache.valueScales().map(on::readBytes).orElse(new byte[0]);
    float[] keys = appended(on, cache, shape, positions, sequences);
    return new Prepared(on.readBf16(x), keys, on.readBytes(cache.values()), valueScales);
  }

  private static KvCache emptyCache(CaseDevice on, HeadShape shape, Wanted wanted) {
    long slots = (long) SEQUENCES * CAPACITY * shape.keyHeads();
    long bytes = slots * shape.dimension() * wanted.type().bytes();
    Optional<KvCache.Scales> scales = Optional.empty();
    if (wanted.type() != KvCache.Type.BF16) {
      scales =
          Optional.of(
              wanted.perToken()
                  ? new KvCache.Scales(
                      on.empty(Float.BYTES * slots), on.empty(Float.BYTES * slots), true)
                  : new KvCache.Scales(on.floats(0.03f), on.floats(0.03f), false));
    }
    return new KvCache(
        wanted.type(), on.empty(bytes), on.empty(bytes), scales, SEQUENCES, CAPACITY);
  }

  /** The keys of the rows that have a place in the cache, read on the CPU. */
  private static float[] appended(
      CaseDevice on, KvCache cache, HeadShape shape, int[] positions, int[] sequences) {
    try (CaseDevice cpu = CaseDevice.cpu()) {
      Optional<KvCache.Scales> scales =
          cache
              .scales()
              .map(
                  s ->
                      new KvCache.Scales(
                          cpu.bytes(on.readBytes(s.keys())),
                          cpu.bytes(on.readBytes(s.values())),
                          s.perToken()));
      Buffer keys = cpu.bytes(on.readBytes(cache.keys()));
      ReferenceKvCache copy =
          ReferenceKvCache.keys(
              new KvCache(cache.type(), keys, keys, scales, SEQUENCES, CAPACITY), shape);
      float[] all = new float[positions.length * shape.keyHeads() * shape.dimension()];
      int at = 0;
      for (int row = 0; row < positions.length; row++) {
        for (int head = 0; head < shape.keyHeads(); head++) {
          boolean placed = positions[row] >= 0 && positions[row] < CAPACITY;
          for (int d = 0; d < shape.dimension() && placed; d++) {
            all[at++] = (float) copy.read(sequences[row], positions[row], head)[d];
          }
        }
      }
      return all;
    }
  }

  private static Rotation rotation(CaseDevice on, HeadShape shape) {
    int half = shape.dimension() / 2;
    float[] cosines = new float[POSITIONS * half];
    float[] sines = new float[POSITIONS * half];
    for (int i = 0; i < cosines.length; i++) {
      double angle = i / half * Math.pow(10000, -(double) (i % half) / half);
      cosines[i] = (float) Math.cos(angle);
      sines[i] = (float) Math.sin(angle);
    }
    return new Rotation(on.floats(cosines), on.floats(sines));
  }

  private static float[] rotate(
      CaseDevice on, HeadPreparation operator, HeadShape shape, float[] qkv, int... positions) {
    Buffer x = on.bf16(qkv);
    operator.prepare(
        x,
        shape,
        new Places(on.ints(positions), Optional.empty(), positions.length),
        new Steps(Optional.empty(), Optional.of(rotation(on, shape)), Optional.empty()));
    return on.readBf16(x);
  }
}
