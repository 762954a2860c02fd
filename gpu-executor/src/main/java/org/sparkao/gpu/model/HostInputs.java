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
  private final Norms norms;
  private final ModelOperators operators;
  private final int headElements;
  private final BlockObserver observer;
  private final Workers workers;

  HostInputs(Norms norms, BlockRunner.Context context, BlockObserver observer) {
    this.inputs = norms.inputs();
    this.norms = norms;
    this.operators = context.operators();
    this.headElements = context.config().heads().rowElements();
    this.observer = observer;
    this.workers = context.workers();
  }

  /**
   * What a layer reads, and the norms before it.
   *
   * @param first before q, k and v
   * @param second before the other half
   */
  record Norms(BlockInputs inputs, ReferenceNorm first, ReferenceNorm second) {
    static Norms of(LayerWeights weights, BlockRunner.Context context) {
      return new Norms(
          BlockInputs.of(weights),
          norm(weights.inputNorm(), context),
          norm(weights.feedForwardNorm(), context));
    }

    private static ReferenceNorm norm(StoredTensor weight, BlockRunner.Context context) {
      return new ReferenceNorm(
          new ProjectionSpec.Norm(weight, context.config().normEpsilon()),
          context.operators().arithmetic());
    }
  }

  @Override
  public void before(Part part, Buffer x, int rows) {
    if (part == Part.HEADS) {
      if (observer.wantsHeads()) {
        observer.heads(read(x, rows, headElements), rows);
      }
    } else if (observer.wantsInputs()) {
      show(part, read(x, rows, inputs.inputs().get(index(part)).columns()), rows);
    }
  }

  /**
   * Shows what a part reads.
   *
   * @param x [rows, K], before the norm where there is one; replaced by what was shown
   */
  void show(Part part, float[] x, int rows) {
    BlockInputs.Input input = inputs.inputs().get(index(part));
    switch (part) {
      case QKV -> apply(norms.first(), x, rows, input.columns());
      case FEED_FORWARD -> apply(norms.second(), x, rows, input.columns());
      default -> {}
    }
    observer.input(input.name(), x, rows);
  }

  private static int index(Part part) {
    return List.of(Part.QKV, Part.OUTPUT, Part.FEED_FORWARD, Part.DOWN).indexOf(part);
  }

  private void apply(ReferenceNorm norm, float[] values, int rows, int columns) {
    workers.run(
        (rows + ROWS - 1) / ROWS,
        piece -> {
          int first = piece * ROWS;
          norm.apply(values, first * columns, Math.min(ROWS, rows - first));
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
