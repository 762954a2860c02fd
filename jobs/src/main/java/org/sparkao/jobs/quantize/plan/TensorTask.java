package org.sparkao.jobs.quantize.plan;

import java.io.Serializable;
import java.util.List;
import java.util.Objects;
import org.sparkao.quant.checkpoint.CheckpointTensor;
import org.sparkao.quant.checkpoint.WeightSource;
import org.sparkao.quant.pack.PackedPart;
import org.sparkao.quant.safetensors.TensorSpec;

/** One tensor, or one weight out of a tensor, on its way into the output. */
public sealed interface TensorTask extends Serializable {

  /** The tensor that is read. */
  CheckpointTensor tensor();

  /** The module it belongs to, or its name when it belongs to none. */
  String module();

  /** The tensors it becomes, codes first. */
  List<TensorSpec> outputs(Arithmetic arithmetic);

  /** Bytes that are read for it. */
  long sourceBytes();

  /** The weight of a linear layer that does not stay as it is. */
  sealed interface Layer extends TensorTask {
    /** What is read. */
    WeightSource weight();

    @Override
    default CheckpointTensor tensor() {
      return weight().tensor();
    }

    @Override
    default long sourceBytes() {
      return weight().rows() * weight().columns() * weight().tensor().entry().dtype().bits() / 8;
    }
  }

  /**
   * A weight that becomes codes and scales.
   *
   * @param weight what is read
   * @param module name of the linear layer in the output
   * @param scheme name of the scheme, which parses to it again
   */
  record Quantize(WeightSource weight, String module, String scheme) implements Layer {
    /** All parts are given. */
    public Quantize {
      Objects.requireNonNull(weight, "weight");
      Objects.requireNonNull(module, "module");
      Objects.requireNonNull(scheme, "scheme");
    }

    @Override
    public List<TensorSpec> outputs(Arithmetic arithmetic) {
      return arithmetic.parts(this).stream().map(this::output).toList();
    }

    /** The tensor that a part of the weight is in the output. */
    public TensorSpec output(PackedPart part) {
      return new TensorSpec(module + "." + part.suffix(), part.dtype(), part.shape());
    }
  }

  /**
   * A weight of which some become zero, and no more.
   *
   * @param weight what is read
   * @param module name of the linear layer in the output
   */
  record Prune(WeightSource weight, String module) implements Layer {
    @Override
    public List<TensorSpec> outputs(Arithmetic arithmetic) {
      return List.of(
          new TensorSpec(
              module + ".weight", weight.dtype(), List.of(weight.rows(), weight.columns())));
    }
  }

  /**
   * A tensor that is copied bit for bit.
   *
   * @param tensor what is read
   * @param origin where from
   * @param module name without {@code .weight}
   * @param reason why it is not quantized
   */
  record Copy(CheckpointTensor tensor, Origin origin, String module, String reason)
      implements TensorTask {
    /** Which folder holds a tensor. */
    public enum Origin {
      /** The checkpoint. */
      CHECKPOINT,
      /** The calibration file. */
      CALIBRATION
    }

    @Override
    public List<TensorSpec> outputs(Arithmetic arithmetic) {
      return List.of(
          new TensorSpec(tensor.entry().name(), tensor.entry().dtype(), tensor.entry().shape()));
    }

    @Override
    public long sourceBytes() {
      return tensor.entry().bytes();
    }
  }

  /**
   * A weight that is not quantized but cannot be copied either: stored as scaled fp8, or one of
   * fused experts whose siblings are quantized.
   *
   * @param weight what is read
   * @param module name of the linear layer in the output
   * @param reason why it is not quantized
   */
  record Unpack(WeightSource weight, String module, String reason) implements TensorTask {
    @Override
    public CheckpointTensor tensor() {
      return weight.tensor();
    }

    @Override
    public List<TensorSpec> outputs(Arithmetic arithmetic) {
      return List.of(
          new TensorSpec(
              module + ".weight", weight.dtype(), List.of(weight.rows(), weight.columns())));
    }

    @Override
    public long sourceBytes() {
      return weight.rows() * weight.columns() * weight.tensor().entry().dtype().bits() / 8;
    }
  }
}
