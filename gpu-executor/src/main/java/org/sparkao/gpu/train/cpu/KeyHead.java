package org.sparkao.gpu.train.cpu;

import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.model.cpu.Lanes;
import org.sparkao.gpu.model.cpu.Panels;
import org.sparkao.gpu.tensor.HostTensor;
import org.sparkao.gpu.train.TrainingOperators.AttendedHeads;

/**
 * One head of keys and values of one sequence, as products read it.
 *
 * @param head of keys
 */
record KeyHead(AttendedHeads heads, int sequence, int head) {
  /** Rows of a matrix whose columns are contiguous. */
  record Rows(float[] array, int at, int stride) {}

  HeadShape shape() {
    return heads.shape();
  }

  /** Tokens of the sequence. */
  int length() {
    int[] boundaries = heads.batch().boundaries();
    return boundaries[sequence + 1] - boundaries[sequence];
  }

  /** The row of a token of the sequence. */
  int token(int position) {
    return heads.batch().boundaries()[sequence] + position;
  }

  /** Queries of a head from a position on. */
  Rows queries(int queryHead, int position) {
    HostTensor qkv = HostTensor.of(heads.qkv());
    int at = qkv.at(token(position)) + queryHead * shape().dimension();
    return new Rows(qkv.array(), at, qkv.columns());
  }

  /** Place of the head's keys in a row. */
  int keyColumn() {
    return (shape().queryHeads() + head) * shape().dimension();
  }

  /** Place of the head's values in a row. */
  int valueColumn() {
    return keyColumn() + shape().keyHeads() * shape().dimension();
  }

  /** Keys [length, dimension]. */
  Panels keyPanels() {
    return rowPanels(keyColumn());
  }

  /** Values [length, dimension]. */
  Panels valuePanels() {
    return rowPanels(valueColumn());
  }

  /** Keys, transposed: [dimension, length], filled with zeros. */
  Panels keyColumns() {
    return columnPanels(keyColumn());
  }

  /** Values, transposed: [dimension, length], filled with zeros. */
  Panels valueColumns() {
    return columnPanels(valueColumn());
  }

  private Panels rowPanels(int column) {
    HostTensor qkv = HostTensor.of(heads.qkv());
    Panels panels = Panels.zeros(length(), shape().dimension());
    for (int i = 0; i < length(); i++) {
      panels.put(i, qkv.array(), qkv.at(token(i)) + column);
    }
    return panels;
  }

  private Panels columnPanels(int column) {
    HostTensor qkv = HostTensor.of(heads.qkv());
    Panels panels = Panels.zeros(shape().dimension(), Lanes.roundUp(length(), Panels.COLUMNS));
    for (int i = 0; i < length(); i++) {
      panels.putColumn(i, qkv.array(), qkv.at(token(i)) + column);
    }
    return panels;
  }
}
