package org.sparkao.gpu.train.cpu;

import org.sparkao.gpu.model.cpu.Cores;
import org.sparkao.gpu.tensor.HostTensor;
import org.sparkao.gpu.train.Shapes;
import org.sparkao.gpu.train.TokenBatch;

/** Rows of a table by token. */
final class TokenOperators {
  private static final int COLUMNS = 64;

  private final Cores cores;

  TokenOperators(Cores cores) {
    this.cores = cores;
  }

  void embed(HostTensor table, TokenBatch batch, HostTensor hidden) {
    cores.rows(
        batch.tokens(),
        row ->
            System.arraycopy(
                table.array(),
                table.at(Shapes.token(batch.ids()[row], table)),
                hidden.array(),
                hidden.at(row),
                table.columns()));
  }

  /** A piece has some columns of all tokens: so every element is summed in the tokens' order. */
  void embedGradient(TokenBatch batch, HostTensor dHidden, HostTensor dTable) {
    int count = dTable.columns();
    cores.run(
        (count + COLUMNS - 1) / COLUMNS,
        (worker, piece) -> {
          int begin = piece * COLUMNS;
          int end = Math.min(count, begin + COLUMNS);
          for (int row = 0; row < batch.tokens(); row++) {
            int from = dHidden.at(row);
            int to = dTable.at(Shapes.token(batch.ids()[row], dTable));
            for (int i = begin; i < end; i++) {
              dTable.array()[to + i] += dHidden.array()[from + i];
            }
          }
        });
  }
}
