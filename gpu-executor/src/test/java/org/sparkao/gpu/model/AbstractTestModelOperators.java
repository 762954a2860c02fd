package org.sparkao.gpu.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.layer.DecodeAttention;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.layer.KvCache;
import org.sparkao.gpu.layer.PrefillAttention;
import org.sparkao.gpu.model.ProjectionSpec.After;

/** Operators of any device against the plain ones, and rows against themselves alone. */
abstract class AbstractTestModelOperators {
  private static final int ROWS = 7;

  private ModelOperators operators;
  private ModelOperators reference;

  abstract ModelOperators open();

  /** How far a result of size 1 may be from the reference's: sums of several hundred products. */
  abstract double tolerance();

  /** Sizes that the device takes are multiples of this. */
  abstract int step();

  @BeforeEach
  void begin() {
    operators = open();
    reference = new ReferenceModelOperators(CpuDevice.open(), operators.arithmetic());
    operators.reserve(64, 64);
  }

  @AfterEach
  void end() {
    operators.close();
    operators.device().close();
  }

  @ParameterizedTest
  @EnumSource
  void projection(After after) {
    int n = 5 * step();
    int k = 3 * step();
    OperatorCase data = new OperatorCase(after.ordinal());
    boolean swiglu = after == After.SWIGLU;
    List<LinearWeight> weights =
        List.of(data.weight("a", n, k, true), data.weight("b", swiglu ? n : 2 * n, k, false));
    List<LinearWeight> used = after == After.LOGITS ? weights.subList(0, 1) : weights;
    ProjectionSpec spec = new ProjectionSpec("p", Optional.of(data.norm(k)), after);
    int columns = swiglu || used.size() == 1 ? n : 3 * n;
    check(spec, used, columns, data);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "FP8_DYNAMIC",
        "FP8_BLOCK",
        "W8A8",
        "W8A16(group_size=32)",
        "W4A16(group_size=32)",
        "W4A16_ASYM(group_size=32)",
        "W4AFP8(group_size=32)",
        "W4A8(group_size=32)",
        "MXFP4A16",
        "W3A16(group_size=32)"
      })
  void quantizedProjection(String scheme) {
    OperatorCase data = new OperatorCase(scheme.hashCode());
    LinearWeight weight = OperatorCase.quantized(scheme, data.weight("q", 128, 256, false));
    ProjectionSpec spec = new ProjectionSpec("q", Optional.empty(), After.NOTHING);
    check(spec, List.of(weight), 128, data);
  }

  @ParameterizedTest
  @EnumSource
  void mixture(Mixture.Weighting weighting) {
    OperatorCase data = new OperatorCase(9);
    checkMixture(weighting, new int[] {2 * step(), 3 * step()}, plain -> plain, data);
  }

  /** Experts whose products take no codes: inputs are rounded to the numbers of their codes. */
  @Test
  void quantizedMixture() {
    checkMixture(
        Mixture.Weighting.NORMALIZED,
        new int[] {64, 96},
        plain -> OperatorCase.quantized("8DA4W", plain),
        new OperatorCase(10));
  }

  private void checkMixture(
      Mixture.Weighting weighting,
      int[] sizes,
      UnaryOperator<LinearWeight> form,
      OperatorCase data) {
    int hidden = sizes[0];
    int inner = sizes[1];
    List<Mixture.Expert> experts = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      experts.add(
          new Mixture.Expert(
              form.apply(data.weight("gate", inner, hidden, false)),
              form.apply(data.weight("up", inner, hidden, false)),
              form.apply(data.weight("down", hidden, inner, false))));
    }
    ProjectionSpec spec =
        new ProjectionSpec("experts", Optional.of(data.norm(hidden)), After.RESIDUAL);
    Mixture mixture =
        new Mixture(spec, data.weight("router", 5, hidden, false), experts, 2, weighting);
    try (Projection here = operators.mixture(mixture);
        Projection there = reference.mixture(mixture)) {
      compare(here, there, new Sides(spec, hidden, hidden), data);
    }
  }

  private void check(
      ProjectionSpec spec, List<LinearWeight> weights, int columns, OperatorCase data) {
    try (Projection here = operators.project(spec, weights);
        Projection there = reference.project(spec, weights)) {
      assertThat(here.bytes()).isPositive();
      assertThat(here.numerics()).isNotEmpty();
      compare(here, there, new Sides(spec, weights.get(0).k(), columns), data);
    }
  }

  /** What goes in and comes out. */
  private record Sides(ProjectionSpec spec, int k, int columns) {
    float[] run(
        ModelOperators operators,
        Projection projection,
        Operation operation,
        float[] x,
        float[] y) {
      boolean logits = spec.after() == After.LOGITS;
      try (Buffer in = OperatorCase.put(operators, x);
          Buffer out =
              logits
                  ? operators.device().allocate((long) Float.BYTES * y.length)
                  : OperatorCase.put(operators, y)) {
        projection.run(operation, x.length / k, in, out);
        return logits
            ? DeviceInts.readFloats(out, 0, y.length)
            : OperatorCase.get(operators, out, y.length);
      }
    }
  }

  private void compare(Projection here, Projection there, Sides sides, OperatorCase data) {
    float[] x = data.numbers(ROWS * sides.k(), 1);
    float[] y = data.numbers(ROWS * sides.columns(), 1);
    for (Operation operation : Operation.values()) {
      float[] found = sides.run(operators, here, operation, x, y);
      float[] expected = sides.run(reference, there, operation, x, y);
      assertClose(sides.spec() + " " + operation, found, expected);
      for (int row = 0; row < ROWS; row++) {
        float[] alone =
            sides.run(
                operators, here, operation, part(x, row, sides.k()), part(y, row, sides.columns()));
        assertThat(alone)
            .as(sides.spec() + " row " + row + " alone")
            .isEqualTo(part(found, row, sides.columns()));
      }
    }
  }

  private static float[] part(float[] values, int row, int columns) {
    return Arrays.copyOfRange(values, row * columns, (row + 1) * columns);
  }

  @Test
  void embeddingAndRows() {
    OperatorCase data = new OperatorCase(3);
    int hidden = 2 * step();
    StoredTensor table = data.tensor("table", data.numbers(11 * hidden, 1), 11, hidden);
    ProjectionSpec spec = new ProjectionSpec("head", Optional.empty(), After.LOGITS);
    List<float[]> results = new ArrayList<>();
    for (ModelOperators one : List.of(operators, reference)) {
      try (ModelOperators.EmbeddingTable loaded = one.embedding(table);
          Projection head = one.tiedHead(spec, loaded);
          Buffer ids = OperatorCase.putInts(one, 3, 10, 0, 3);
          Buffer picked = OperatorCase.putInts(one, 1, 1, 3);
          Buffer rows = OperatorCase.put(one, new float[4 * hidden]);
          Buffer gathered = OperatorCase.put(one, new float[3 * hidden]);
          Buffer logits = DeviceInts.allocate(one.device(), 3 * 11)) {
        one.embed(loaded, ids, 4, rows);
        one.gather(rows, hidden, picked, 3, gathered);
        head.run(Operation.PREFILL, 3, gathered, logits);
        results.add(OperatorCase.get(one, gathered, 3 * hidden));
        results.add(DeviceInts.readFloats(logits, 0, 3 * 11));
      }
    }
    assertThat(results.get(0)).isEqualTo(results.get(2));
    assertClose("logits", results.get(1), results.get(3));
  }

  @ParameterizedTest
  @EnumSource
  void attention(KvCache.Type type) {
    if (type == KvCache.Type.FP32 && operators.arithmetic() == Arithmetic.BF16) {
      return;
    }
    HeadShape shape = new HeadShape(4, 2, 4 * step());
    float[] expected = attention(reference, shape, type);
    assertClose("attention " + type, attention(operators, shape, type), expected);
  }

  /** Two sequences of 70 and 90 tokens, 50 of them the same: these twice, and once. */
  @Test
  void sharedPrefixesChangeNoBit() {
    HeadShape shape = new HeadShape(4, 2, 4 * step());
    int row = shape.rowElements();
    float[] one = new OperatorCase(6).numbers(70 * row, 1);
    float[] own = new OperatorCase(7).numbers(40 * row, 1);
    float[] apart = Arrays.copyOf(one, 160 * row);
    System.arraycopy(one, 0, apart, 70 * row, 50 * row);
    System.arraycopy(own, 0, apart, 120 * row, 40 * row);
    float[] together = Arrays.copyOf(one, 110 * row);
    System.arraycopy(own, 0, together, 70 * row, 40 * row);
    try (Buffer two = OperatorCase.putInts(operators, 0, 70, 160);
        Buffer three = OperatorCase.putInts(operators, 0, 50, 70, 110);
        Buffer prefixes = OperatorCase.putInts(operators, 0, 0, 0, 50, 0, 50)) {
      PrefillAttention.Batch whole = new PrefillAttention.Batch(two, 2, 160, 90);
      PrefillAttention.Batch shared =
          new PrefillAttention.Batch(three, 3, 110, 50, Optional.of(prefixes));
      float[] expected = attended(apart, shape, whole);
      float[] found = attended(together, shape, shared);
      int out = shape.queryElements();
      assertThat(Arrays.copyOf(found, 70 * out)).isEqualTo(Arrays.copyOf(expected, 70 * out));
      assertThat(Arrays.copyOfRange(found, 70 * out, 110 * out))
          .isEqualTo(Arrays.copyOfRange(expected, 120 * out, 160 * out));
    }
  }

  private float[] attended(float[] rows, HeadShape shape, PrefillAttention.Batch batch) {
    int count = batch.tokens() * shape.queryElements();
    try (Buffer qkv = OperatorCase.put(operators, rows);
        Buffer out = OperatorCase.put(operators, new float[count])) {
      operators.attend(qkv, shape, batch, out);
      return OperatorCase.get(operators, out, count);
    }
  }

  /** Two prompts of 5 and 9 tokens, then one step of both: what both kinds of attention give. */
  private static float[] attention(ModelOperators one, HeadShape shape, KvCache.Type type) {
    OperatorCase data = new OperatorCase(5);
    int[] positions = {0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 5, 6, 7, 8};
    int[] places = {0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    float[] prompts = data.numbers(14 * shape.rowElements(), 1);
    float[] next = data.numbers(3 * shape.rowElements(), 1);
    float[] norms = data.numbers(shape.dimension(), 1);
    KvCache cache = one.cache(type, shape, 3, 16);
    RopeConfig rope = new RopeConfig(10000, new RopeConfig.Unscaled());
    try (RotaryTables tables = RotaryTables.load(one.device(), rope, shape.dimension(), 16);
        Buffer qkv = OperatorCase.put(one, prompts);
        Buffer at = OperatorCase.putInts(one, positions);
        Buffer in = OperatorCase.putInts(one, places);
        Buffer boundaries = OperatorCase.putInts(one, 0, 5, 14);
        Buffer norm = OperatorCase.put(one, norms);
        Buffer out = OperatorCase.put(one, new float[14 * shape.queryElements()]);
        Buffer row = OperatorCase.put(one, next);
        Buffer atNext = OperatorCase.putInts(one, 5, 9, -1);
        Buffer lengths = OperatorCase.putInts(one, 6, 10, 0);
        Buffer outNext = OperatorCase.put(one, new float[3 * shape.queryElements()])) {
      ModelOperators.HeadSteps steps =
          new ModelOperators.HeadSteps(
              Optional.of(new ModelOperators.HeadNorms(norm, norm, 1e-6f)),
              tables.table(),
              Optional.of(cache));
      one.prepareHeads(qkv, shape, new ModelOperators.Places(at, Optional.of(in), 14), steps);
      one.attend(qkv, shape, new PrefillAttention.Batch(boundaries, 2, 14, 9), out);
      one.prepareHeads(row, shape, new ModelOperators.Places(atNext, Optional.empty(), 3), steps);
      one.attend(row, shape, cache, new DecodeAttention.Batch(lengths, 3, 16), outNext);
      float[] prefill = OperatorCase.get(one, out, 14 * shape.queryElements());
      float[] decode = OperatorCase.get(one, outNext, 3 * shape.queryElements());
      float[] both = Arrays.copyOf(prefill, prefill.length + decode.length);
      System.arraycopy(decode, 0, both, prefill.length, decode.length);
      return both;
    } finally {
      one.release(cache);
    }
  }

  @Test
  void scores() {
    float[] logits = {1, 3, 2, 3, 0, 0, 0, 0, 5, -5, 5, 9};
    try (Buffer values = DeviceInts.allocate(operators.device(), logits.length);
        Buffer targets = OperatorCase.putInts(operators, 2, 0, 1);
        Buffer found = DeviceInts.allocate(operators.device(), 3);
        Buffer greedy = DeviceInts.allocate(operators.device(), 3)) {
      int[] bits = new int[logits.length];
      for (int i = 0; i < bits.length; i++) {
        bits[i] = Float.floatToRawIntBits(logits[i]);
      }
      DeviceInts.write(values, bits);
      operators.score(values, 3, 4, targets, new ModelOperators.TokenScores(found, greedy));
      assertThat(DeviceInts.read(greedy, 3)).containsExactly(1, 0, 3);
      // By hand: 2 - ln(e + 2 e^3 + e^2), -ln 4, -5 - ln(2 e^5 + e^-5 + e^9).
      assertClose(
          "log-probabilities",
          DeviceInts.readFloats(found, 0, 3),
          new float[] {-1.9175758f, -1.3862944f, -14.0359771f});
    }
  }

  private void assertClose(String what, float[] found, float[] expected) {
    assertThat(found).as(what).hasSameSizeAs(expected);
    for (int i = 0; i < found.length; i++) {
      double bound = tolerance() * Math.max(1, Math.abs(expected[i]));
      if (!(Math.abs(found[i] - expected[i]) <= bound)) {
        assertThat(found[i]).as(what + " [" + i + "]").isEqualTo(expected[i]);
      }
    }
  }
}
