package org.sparkao.gpu.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.model.ModelOperators.RotaryTable;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.gpu.train.TrainingOperators.Attended;
import org.sparkao.gpu.train.TrainingOperators.AttendedHeads;

/** Operators of any device against their definitions in fp64, gradients against differences. */
abstract class AbstractTestTrainingOperators extends AbstractTestTrainingLosses {
  private static final double BASE = 50;

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 64})
  void product(int rows) {
    int k = 3 * step();
    int n = 7 * step();
    double[] x = numbers(rows * k);
    double[] w = numbers(n * k);
    double[] bias = numbers(n);
    double[] dy = numbers(rows * n);
    Tensor y = state(rows, new double[rows * n]);
    operators().product(state(rows, x), state(n, w), Optional.of(put(n, bias)), y);
    assertClose("y", y, InDoubles.product(x, w, bias, k));
    operators().product(state(rows, x), state(n, w), Optional.empty(), y);
    assertClose("y without bias", y, InDoubles.product(x, w, null, k));
    Tensor dx = state(rows, numbers(rows * k));
    operators().inputGradient(state(rows, dy), state(n, w), dx);
    assertClose("dx", dx, gradient(p -> InDoubles.product(p, w, bias, k), x, dy));
    double[] before = numbers(n * k);
    Tensor dw = put(n, before);
    operators().weightGradient(state(rows, dy), state(rows, x), dw);
    double[] added = gradient(p -> InDoubles.product(x, p, bias, k), w, dy);
    assertClose("dw", dw, InDoubles.sum(before, added));
    double[] beforeBias = numbers(n);
    Tensor db = put(n, beforeBias);
    operators().biasGradient(state(rows, dy), db);
    double[] addedBias = gradient(p -> InDoubles.product(x, w, p, k), bias, dy);
    assertClose("db", db, InDoubles.sum(beforeBias, addedBias));
  }

  /** A part of a larger tensor in, a part out, and nothing beside it changes. */
  @Test
  void productOfSlices() {
    int k = step();
    double[] x = numbers(9 * k);
    double[] w = numbers(4 * step() * k);
    Tensor y = state(9, numbers(9 * 2 * step()));
    float[] before = y.toFloats();
    operators()
        .product(
            state(9, x).slice(2, 7),
            state(4 * step(), w).slice(step(), 3 * step()),
            Optional.empty(),
            y.slice(3, 8));
    double[] expected =
        InDoubles.product(
            Arrays.copyOfRange(x, 2 * k, 7 * k),
            Arrays.copyOfRange(w, step() * k, 3 * step() * k),
            null,
            k);
    assertClose("y", y.slice(3, 8), expected);
    float[] after = y.toFloats();
    int row = 2 * step();
    assertThat(Arrays.copyOf(after, 3 * row)).isEqualTo(Arrays.copyOf(before, 3 * row));
    assertThat(Arrays.copyOfRange(after, 8 * row, 9 * row))
        .isEqualTo(Arrays.copyOfRange(before, 8 * row, 9 * row));
  }

  @Test
  void norm() {
    int rows = 37;
    int columns = 7 * step();
    double[] x = numbers(rows * columns);
    double[] weight = numbers(columns);
    double[] dy = numbers(rows * columns);
    double[] before = numbers(rows * columns);
    double[] beforeWeight = numbers(columns);
    Tensor dWeight = put(1, beforeWeight);
    NormWeight norm = new NormWeight(put(1, weight), Optional.of(dWeight), 0.01f);
    Tensor y = state(rows, numbers(rows * columns));
    operators().norm(state(rows, x), norm, y);
    assertClose("y", y, InDoubles.norm(x, weight, 0.01f));
    Tensor dx = state(rows, before);
    operators().normGradient(state(rows, x), norm, state(rows, dy), dx);
    double[] added = gradient(p -> InDoubles.norm(p, weight, 0.01f), x, dy);
    assertClose("dx", dx, InDoubles.sum(before, added));
    double[] addedWeight = gradient(p -> InDoubles.norm(x, p, 0.01f), weight, dy);
    assertClose("dweight", dWeight, InDoubles.sum(beforeWeight, addedWeight));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void heads(boolean normed) {
    TokenBatch batch = batch(35, 4);
    HeadShape shape = new HeadShape(2, 1, 2 * step());
    int elements = 39 * shape.rowElements();
    double[] raw = numbers(elements);
    double[] dy = numbers(elements);
    double[] query = numbers(shape.dimension());
    double[] key = numbers(shape.dimension());
    double epsilon = 0.01f;
    Tensor dQuery = put(1, new double[shape.dimension()]);
    Tensor dKey = put(1, new double[shape.dimension()]);
    Heads.HeadNorms norms =
        new Heads.HeadNorms(
            new NormWeight(put(1, query), Optional.of(dQuery), 0.01f),
            new NormWeight(put(1, key), Optional.of(dKey), 0.01f));
    Heads heads =
        new Heads(shape, rotation(shape, 40), normed ? Optional.of(norms) : Optional.empty());
    InDoubles.Norms same = normed ? new InDoubles.Norms(query, key, epsilon) : null;
    Tensor qkv = state(39, numbers(elements));
    operators().heads(state(39, raw), heads, batch, qkv);
    int[] positions = batch.positions();
    assertClose("qkv", qkv, InDoubles.heads(raw, shape, same, BASE, positions));
    Tensor gradient = state(39, dy);
    operators().headsGradient(state(39, raw), heads, batch, gradient);
    assertClose(
        "draw", gradient, gradient(p -> InDoubles.heads(p, shape, same, BASE, positions), raw, dy));
    if (normed) {
      UnaryOperator<double[]> ofQuery =
          p -> InDoubles.heads(raw, shape, new InDoubles.Norms(p, key, epsilon), BASE, positions);
      assertClose("dquery", dQuery, gradient(ofQuery, query, dy));
      UnaryOperator<double[]> ofKey =
          p -> InDoubles.heads(raw, shape, new InDoubles.Norms(query, p, epsilon), BASE, positions);
      assertClose("dkey", dKey, gradient(ofKey, key, dy));
    }
  }

  private RotaryTable rotation(HeadShape shape, int positions) {
    int half = shape.dimension() / 2;
    ByteBuffer cosines = ByteBuffer.allocate(4 * positions * half).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer sines = ByteBuffer.allocate(4 * positions * half).order(ByteOrder.LITTLE_ENDIAN);
    for (int position = 0; position < positions; position++) {
      for (int i = 0; i < half; i++) {
        double angle = position * Math.pow(BASE, -2.0 * i / shape.dimension());
        cosines.putFloat((float) Math.cos(angle));
        sines.putFloat((float) Math.sin(angle));
      }
    }
    return new RotaryTable(upload(cosines.flip()), upload(sines.flip()), positions);
  }

  private Buffer upload(ByteBuffer bytes) {
    Buffer buffer = operators().device().allocate(bytes.remaining());
    operators().device().write(buffer, 0, bytes);
    return buffer;
  }

  private TokenBatch batch(int... lengths) {
    return TokenBatch.of(
        Arrays.stream(lengths).mapToObj(n -> random().ints(n, 0, 11).toArray()).toList());
  }

  /** One sequence longer than a block of queries, and short ones. */
  @Test
  void attention() {
    TokenBatch batch = batch(1, 53, 3);
    HeadShape shape = new HeadShape(4, 2, step());
    double[] qkv = numbers(57 * shape.rowElements());
    double[] dOut = numbers(57 * shape.queryElements());
    Attended out =
        new Attended(state(57, numbers(57 * shape.queryElements())), put(57, numbers(57 * 4)));
    AttendedHeads heads = new AttendedHeads(state(57, qkv), shape, batch);
    operators().attend(heads, out);
    assertClose("out", out.values(), InDoubles.attend(qkv, shape, batch.boundaries()));
    Tensor dQkv = state(57, numbers(qkv.length));
    operators().attendGradient(heads, out, state(57, dOut), dQkv);
    assertClose(
        "dqkv", dQkv, gradient(p -> InDoubles.attend(p, shape, batch.boundaries()), qkv, dOut));
  }

  /** Scores whose exponentials exceed every float. */
  @Test
  void attentionOfLargeScores() {
    TokenBatch batch = batch(9);
    HeadShape shape = new HeadShape(1, 1, step());
    double[] qkv = Arrays.stream(numbers(9 * 3 * step())).map(x -> 12 * x).toArray();
    Attended out = new Attended(state(9, new double[9 * step()]), put(9, new double[9]));
    AttendedHeads heads = new AttendedHeads(state(9, qkv), shape, batch);
    operators().attend(heads, out);
    assertClose("out", out.values(), InDoubles.attend(qkv, shape, batch.boundaries()));
    assertThat(out.logSums().toFloats()[8]).isGreaterThan(100);
  }

  @Test
  void gate() {
    int columns = 5 * step();
    double[] gateUp = numbers(33 * 2 * columns);
    double[] dy = numbers(33 * columns);
    Tensor y = state(33, numbers(33 * columns));
    operators().gate(state(33, gateUp), y);
    assertClose("y", y, InDoubles.gate(gateUp, columns));
    Tensor dGateUp = state(33, numbers(gateUp.length));
    operators().gateGradient(state(33, gateUp), state(33, dy), dGateUp);
    assertClose("dgateUp", dGateUp, gradient(p -> InDoubles.gate(p, columns), gateUp, dy));
  }

  /** Tokens repeat. */
  @Test
  void embedding() {
    TokenBatch batch = batch(20, 7);
    int columns = 11 * step();
    double[] table = numbers(11 * columns);
    double[] dHidden = numbers(27 * columns);
    double[] before = numbers(11 * columns);
    Tensor hidden = state(27, numbers(27 * columns));
    operators().embed(put(11, table), batch, hidden);
    assertClose("hidden", hidden, InDoubles.embed(table, batch.ids(), columns));
    Tensor dTable = put(11, before);
    operators().embedGradient(batch, state(27, dHidden), dTable);
    double[] added = gradient(p -> InDoubles.embed(p, batch.ids(), columns), table, dHidden);
    assertClose("dtable", dTable, InDoubles.sum(before, added));
  }

  @Test
  void wholeTensors() {
    double[] x = numbers(7 * 3 * step());
    double[] y = numbers(7 * 3 * step());
    Tensor to = put(7, y);
    operators().add(put(7, x).slice(1, 6), to.slice(1, 6));
    double[] expected = y.clone();
    for (int i = 3 * step(); i < 6 * 3 * step(); i++) {
      expected[i] += x[i];
    }
    assertClose("y + x", to, expected);
    operators().add(state(7, y), -0.5f, to);
    for (int i = 0; i < expected.length; i++) {
      expected[i] -= 0.5 * y[i];
    }
    assertClose("y / 2 + x", to, expected);
    operators().scale(to, -2);
    double[] scaled = Arrays.stream(expected).map(v -> -2 * v).toArray();
    assertClose("-2 (y + x)", to, scaled);
    operators().multiply(state(7, x), to);
    assertClose("-2 (y + x) x", to, InDoubles.times(scaled, x));
    double[] squares = operators().squaredNorms(List.of(put(7, x), put(7, y).slice(0, 1)));
    double[] row = Arrays.copyOf(y, 3 * step());
    assertThat(squares[0] / InDoubles.dot(x, x)).isBetween(1 - tolerance(), 1 + tolerance());
    assertThat(squares[1] / InDoubles.dot(row, row)).isBetween(1 - tolerance(), 1 + tolerance());
    operators().copy(put(7, x), to);
    assertClose("copy", to, x);
    operators().zero(to.slice(2, 7));
    Arrays.fill(x, 2 * 3 * step(), x.length, 0);
    assertClose("zeros", to, x);
  }

  @Test
  void otherShapesAreRefused() {
    Tensor x = put(2, numbers(2 * step()));
    Tensor w = put(3, numbers(3 * step()));
    Tensor y = put(2, numbers(8));
    assertThatThrownBy(() -> operators().product(x, w, Optional.empty(), y))
        .hasMessage("a tensor of 2 x 4 where 2 x 3 is wanted");
    assertThatThrownBy(() -> operators().embed(w, batch(20), put(20, numbers(20 * step()))))
        .hasMessageContaining("of a vocabulary of 3");
  }
}
