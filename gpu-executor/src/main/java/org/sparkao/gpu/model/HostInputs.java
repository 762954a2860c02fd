package org.sparkao.gpu.model;

import java.nio.ByteBuffer;
import java.util.List;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.quant.observe.Workers;

/**
 * Shows a {@link BlockObserver} what the parts of one layer read: copies it to the host, and norms
 * it there as transformers does, so that every device shows its inputs by the same code.
 */
final class HostInputs implements LayerObserver {
  private static final int ROWS = 16;

  private final BlockInputs inputs;
  private final ModelOperators operators;
  private final int headElements;
  private final BlockObserver observer;
  private final Workers workers;
  private final ReferenceNorm first;
  private final ReferenceNorm second;

  HostInputs(LayerWeights weights, BlockRunner.Context context, BlockObserver observer) {
    this.inputs = BlockInputs.of(weights);
    this.operators = context.operators();
    this.headElements = context.config().heads().rowElements();
    this.observer = observer;
    this.workers = context.workers();
    this.first = norm(weights.inputNorm(), context);
    this.second = norm(weights.feedForwardNorm(), context);
  }

  private static ReferenceNorm norm(StoredTensor weight, BlockRunner.Context context) {
    return new ReferenceNorm(
        new ProjectionSpec.Norm(weight, context.config().normEpsilon()),
        context.operators().arithmetic());
  }

  @Override
  public void before(Part part, Buffer x, int rows) {
    if (part == Part.HEADS) {
      if (observer.wantsHeads()) {
        observer.heads(read(x, rows, headElements), rows);
      }
    } else if (observer.wantsInputs()) {
      BlockInputs.Input input = inputs.inputs().get(index(part));
      float[] values = read(x, rows, input.columns());
      switch (part) {
        case QKV -> apply(first, values, rows, input.columns());
        case FEED_FORWARD -> apply(second, values, rows, input.columns());
        default -> {}
      }
      observer.input(input.name(), values, rows);
    }
  }

  private static int index(Part part) {
    return List.of(Part.QKV, Part.OUTPUT, Part.FEED_FORWARD, Part.DOWN).indexOf(part);
  }

  private void apply(ReferenceNorm norm, float[] values, int rows, int columns) {
    workers.run(
        (rows + ROWS - 1) / ROWS,
        piece -> {
          for (int row = piece * ROWS; row < Math.min(rows, (piece + 1) * ROWS); row++) {
            norm.apply(values, row * columns);
          }
        });
  }

  private float[] read(Buffer x, int rows, int columns) {
    int count = Math.multiplyExact(rows, columns);
    int bytes = Math.multiplyExact(operators.arithmetic().bytes(), count);
    ByteBuffer stored = ByteBuffer.allocate(bytes);
    operators.device().read(x, 0, stored);
    return HiddenStates.floats(stored, operators.arithmetic());
  }

  @Override
  public ExpertObserver experts() {
    if (inputs.experts() == 0) {
      return ExpertObserver.NONE;
    }
    int before = inputs.inputs().size() - 2 * inputs.experts();
    return new ExpertObserver() {
      @Override
      public Shown shown(int expert) {
        return observer.shown(expert);
      }

      @Override
      public void inputs(int expert, float[] x, int rows) {
        observer.input(inputs.inputs().get(before + 2 * expert).name(), x, rows);
      }

      @Override
      public void inner(int expert, float[] x, int rows) {
        observer.input(inputs.inputs().get(before + 2 * expert + 1).name(), x, rows);
      }
    };
  }
}
