package org.sparkao.quant.checkpoint;

import java.io.Serializable;
import java.util.List;
import java.util.Objects;
import org.sparkao.quant.safetensors.DType;

/**
 * A weight [N, K] of a checkpoint and all that is needed to read it without the checkpoint's other
 * headers. Made by {@link WeightSources} at planning, used by {@link WeightReader} in a task.
 *
 * @param tensor the tensor that holds it, alone or among others
 * @param form how its numbers are stored
 * @param view which part of the tensor it is
 */
public record WeightSource(CheckpointTensor tensor, StoredForm form, MatrixView view)
    implements Serializable {

  /** The view lies inside the tensor. */
  public WeightSource {
    Objects.requireNonNull(form, "form");
    int dimensions = tensor.entry().shape().size();
    if (dimensions != 2 && dimensions != 3) {
      throw new IllegalArgumentException(tensor.entry().name() + " has " + dimensions + " axes");
    }
    long matrices = dimensions == 2 ? 1 : tensor.entry().dimension(0);
    if (view.matrix() >= matrices || view.rowEnd() > allRows(tensor, view)) {
      throw new IllegalArgumentException(view + " of " + tensor.entry());
    }
  }

  /** The type that the reader gives: BF16, F16 or F32. */
  public DType dtype() {
    return form.dtype();
  }

  /** Rows of the view. */
  public long rows() {
    return view.rows();
  }

  /** K. */
  public long columns() {
    int last = tensor.entry().shape().size() - 1;
    return tensor.entry().dimension(view.axes() == MatrixView.Axes.ROWS_FIRST ? last : last - 1);
  }

  /** Rows of the whole matrix, N. */
  long allRows() {
    return allRows(tensor, view);
  }

  /** The rows [begin, end) of this view as a weight of its own, such as gate of gate_up. */
  public WeightSource rowRange(long begin, long end) {
    if (begin < 0 || end > rows()) {
      throw new IllegalArgumentException("rows [" + begin + ", " + end + ") of " + rows());
    }
    MatrixView part =
        new MatrixView(view.matrix(), view.axes(), view.rowBegin() + begin, view.rowBegin() + end);
    return new WeightSource(tensor, form, part);
  }

  /** All tensors that are read for this weight: itself, its scale, its zero points. */
  public List<CheckpointTensor> tensors() {
    if (form instanceof StoredForm.Affine affine) {
      return List.of(tensor, affine.scale(), affine.zeroPoint());
    }
    return form instanceof StoredForm.Scaled scaled
        ? List.of(tensor, scaled.scale())
        : List.of(tensor);
  }

  private static long allRows(CheckpointTensor tensor, MatrixView view) {
    int last = tensor.entry().shape().size() - 1;
    return tensor.entry().dimension(view.axes() == MatrixView.Axes.ROWS_FIRST ? last - 1 : last);
  }
}
