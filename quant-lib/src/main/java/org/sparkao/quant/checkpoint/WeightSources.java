package org.sparkao.quant.checkpoint;

import java.util.List;
import java.util.Optional;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.checkpoint.MatrixView.Axes;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.safetensors.TensorEntry;

/**
 * Finds how each weight of a checkpoint is stored. Only headers are looked at, so that what cannot
 * be read is refused at planning.
 */
public final class WeightSources {
  private final Checkpoint checkpoint;
  private final Optional<SourceQuantization> quantization;
  private final TorchaoTensors torchao;

  /**
   * For the weights of one checkpoint.
   *
   * @throws QuantException when the checkpoint is quantized already, in a form that is not read
   */
  public WeightSources(Checkpoint checkpoint) {
    this.checkpoint = checkpoint;
    this.quantization = SourceQuantization.of(checkpoint);
    this.torchao = new TorchaoTensors(checkpoint);
  }

  /**
   * The whole weight [N, K] of a tensor of two axes.
   *
   * @throws QuantException when the tensor is no such weight
   */
  public WeightSource weight(String name) {
    CheckpointTensor tensor = require(name, 2);
    return source(tensor, 0, Axes.ROWS_FIRST);
  }

  /**
   * One weight of a tensor [E, N, K], or [E, K, N] when {@code axes} says so.
   *
   * @param matrix which of the E
   * @throws QuantException when the tensor holds no such weight
   */
  public WeightSource weight(String name, long matrix, Axes axes) {
    CheckpointTensor tensor = require(name, 3);
    if (matrix < 0 || matrix >= tensor.entry().dimension(0)) {
      throw refused(tensor, "has no matrix " + matrix + "; name one that it has");
    }
    return source(tensor, matrix, axes);
  }

  private WeightSource source(CheckpointTensor tensor, long matrix, Axes axes) {
    StoredForm form = form(tensor);
    int last = tensor.entry().shape().size() - 1;
    long rows = tensor.entry().dimension(axes == Axes.ROWS_FIRST ? last - 1 : last);
    return new WeightSource(tensor, form, new MatrixView(matrix, axes, 0, rows));
  }

  private CheckpointTensor require(String name, int dimensions) {
    CheckpointTensor tensor =
        checkpoint
            .tensor(name)
            .or(() -> torchao.codes(name))
            .orElseThrow(
                () ->
                    new QuantException(
                        name + ": is not in " + checkpoint.location() + "; check the name"));
    List<Long> shape = tensor.entry().shape();
    if (shape.size() != dimensions || tensor.entry().elements() == 0) {
      throw refused(
          tensor,
          "has shape " + shape + ", not " + dimensions + " axes that are not empty; skip it");
    }
    return tensor;
  }

  private StoredForm form(CheckpointTensor tensor) {
    if (TorchaoTensors.areCodes(tensor)) {
      return torchao.form(tensor);
    }
    TensorEntry entry = tensor.entry();
    Optional<CheckpointTensor> inverse = checkpoint.tensor(entry.name() + "_scale_inv");
    Optional<CheckpointTensor> scale =
        inverse.isPresent() ? inverse : checkpoint.tensor(entry.name() + "_scale");
    switch (entry.dtype()) {
      case F32, F16, BF16 -> {
        if (scale.isPresent() && entry.name().endsWith(".weight")) {
          throw refused(
              tensor,
              "is "
                  + entry.dtype()
                  + " but has the scale "
                  + scale.get().entry().name()
                  + "; remove the scale if it is a leftover");
        }
        return new StoredForm.Plain(entry.dtype());
      }
      case F8_E4M3 -> {
        if (inverse.isPresent()) {
          return blocks(tensor, inverse.get());
        }
        return scale.isPresent() ? rowsOrWhole(tensor, scale.get()) : unscaled(tensor);
      }
      default ->
          throw refused(
              tensor,
              "is "
                  + entry.dtype()
                  + ", which is no weight that can be quantized;"
                  + " start from F32, F16, BF16 or F8_E4M3, or skip it");
    }
  }

  private StoredForm unscaled(CheckpointTensor tensor) {
    if (quantization.isPresent()) {
      throw refused(
          tensor,
          "is F8_E4M3 in a quantized checkpoint but has neither weight_scale_inv nor"
              + " weight_scale; download the shard again");
    }
    return new StoredForm.Plain(DType.BF16);
  }

  private StoredForm blocks(CheckpointTensor tensor, CheckpointTensor scale) {
    long[] block =
        quantization
            .orElseThrow(
                () ->
                    refused(
                        tensor,
                        "has block scales, but config.json has no quantization_config with their"
                            + " weight_block_size; put the checkpoint's config.json beside it"))
            .blockSize();
    List<Long> shape = matrixShape(tensor, scale);
    List<Long> expected =
        List.of(ceilDivide(shape.get(0), block[0]), ceilDivide(shape.get(1), block[1]));
    requireScale(tensor, scale, expected.equals(scale.entry().shape()), expected.toString());
    return new StoredForm.Scaled(DType.BF16, scale, block[0], block[1]);
  }

  private StoredForm rowsOrWhole(CheckpointTensor tensor, CheckpointTensor scale) {
    List<Long> shape = matrixShape(tensor, scale);
    long rows = shape.get(0);
    List<Long> scaleShape = scale.entry().shape();
    boolean whole = scaleShape.isEmpty() || scaleShape.equals(List.of(1L));
    boolean eachRow = scaleShape.equals(List.of(rows, 1L));
    requireScale(tensor, scale, whole || eachRow, "[1] or [" + rows + ", 1]");
    return new StoredForm.Scaled(scale.entry().dtype(), scale, eachRow ? 1 : rows, shape.get(1));
  }

  private List<Long> matrixShape(CheckpointTensor tensor, CheckpointTensor scale) {
    if (tensor.entry().shape().size() != 2) {
      throw refused(
          tensor,
          "has "
              + tensor.entry().shape().size()
              + " axes and the scale "
              + scale.entry().name()
              + ": scaled F8_E4M3 is read from matrices only; start from the BF16 checkpoint");
    }
    return tensor.entry().shape();
  }

  private static void requireScale(
      CheckpointTensor tensor, CheckpointTensor scale, boolean shapeFits, String expected) {
    DType dtype = scale.entry().dtype();
    boolean typeFits = dtype == DType.F32 || dtype == DType.F16 || dtype == DType.BF16;
    if (!shapeFits || !typeFits) {
      throw refused(
          scale,
          "is "
              + dtype
              + " "
              + scale.entry().shape()
              + ", but the scale of "
              + tensor.entry().name()
              + " "
              + tensor.entry().shape()
              + " must be F32, F16 or BF16 "
              + expected
              + "; start from the checkpoint before its quantization");
    }
  }

  private static long ceilDivide(long value, long divisor) {
    return value / divisor + (value % divisor == 0 ? 0 : 1);
  }

  private static QuantException refused(CheckpointTensor tensor, String what) {
    return new QuantException(tensor.entry().name() + " in " + tensor.file() + ": " + what);
  }
}
