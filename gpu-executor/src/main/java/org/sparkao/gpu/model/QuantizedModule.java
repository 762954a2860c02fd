package org.sparkao.gpu.model;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.sparkao.gpu.quantize.StoredWeight;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.algorithm.WeightSpec;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.CheckpointFiles;
import org.sparkao.quant.checkpoint.CheckpointTensor;
import org.sparkao.quant.config.QuantizedGroup;
import org.sparkao.quant.config.QuantizedGroup.ColumnOrder;
import org.sparkao.quant.pack.PackedPart;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Granularity.PerBlock;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.QuantArgs;
import org.sparkao.quant.scheme.QuantArgs.ScaleKind;
import org.sparkao.quant.scheme.QuantArgs.Timing;
import org.sparkao.quant.scheme.QuantScheme;
import org.sparkao.quant.scheme.Schemes;

/** The tensors of one quantized module, from their headers alone. */
final class QuantizedModule {
  private static final Set<DType> FLOATS = Set.of(DType.BF16, DType.F16, DType.F32);
  private static final List<Long> ONE = List.of(1L);
  private static final String SCALE = "weight_scale";
  private static final String DEEPSEEK_SCALE = "weight_scale_inv";
  private static final String COLUMN_GROUPS = "weight_g_idx";
  private static final PerBlock DEEPSEEK_BLOCK = new PerBlock(128, 128);

  private final Checkpoint checkpoint;
  private final CheckpointFiles files;
  private final String module;
  private final QuantizedGroup group;
  private final QuantScheme scheme;

  QuantizedModule(
      Checkpoint checkpoint, CheckpointFiles files, String module, QuantizedGroup group) {
    this.checkpoint = checkpoint;
    this.files = files;
    this.module = module;
    this.group = group;
    this.scheme = Schemes.named(group.weights(), group.activations(), group.format());
  }

  /**
   * The weight [N, K].
   *
   * @param dtype of the unquantized weight, where its scales do not tell
   */
  LinearWeight weight(int n, int k, DType dtype) {
    QuantizeRequest request = request(n, k, dtype);
    List<StoredTensor> parts = new ArrayList<>();
    for (PackedPart part : expected(request)) {
      parts.add(stored(storedSuffix(part.suffix()), Set.of(part.dtype()), part.shape()));
    }
    LinearWeight.Form form = new LinearWeight.Quantized(request, parts, inputScales());
    if (group.columnOrder() == ColumnOrder.PERMUTED) {
      form = new LinearWeight.Plain(permuted(request, parts));
    } else if (checkpoint.tensor(name(COLUMN_GROUPS)).isPresent()) {
      throw ModelErrors.columnOrder(checkpoint.location(), name(COLUMN_GROUPS), group.name());
    }
    return new LinearWeight(module, n, k, form, Optional.empty());
  }

  /** Scales of the type of the weight tell that type; those of DeepSeek are fp32 by themselves. */
  private QuantizeRequest request(int n, int k, DType dtype) {
    boolean deepSeek = group.layout() == CheckpointLayout.DEEPSEEK;
    Optional<DType> scales =
        checkpoint
            .tensor(name(storedSuffix(SCALE)))
            .map(tensor -> tensor.entry().dtype())
            .filter(FLOATS::contains)
            .filter(type -> scheme.weights().scale() == ScaleKind.WEIGHT_DTYPE);
    // Qwen's block scales are BF16: but for the name that is the layout of compressed-tensors.
    boolean asDeepSeek =
        deepSeek
            && scales.orElse(DType.F32) == DType.F32
            && scheme.weights().granularity().equals(DEEPSEEK_BLOCK);
    return new QuantizeRequest(
        scheme,
        asDeepSeek ? CheckpointLayout.DEEPSEEK : CheckpointLayout.COMPRESSED_TENSORS,
        Numerics.COMPRESSED_TENSORS,
        WeightAlgorithm.RTN,
        new WeightSpec(n, k, asDeepSeek ? dtype : scales.orElse(dtype)));
  }

  private List<PackedPart> expected(QuantizeRequest request) {
    try {
      return Quantizers.parts(request);
    } catch (QuantException e) {
      throw ModelErrors.scheme(checkpoint.location(), module, e);
    }
  }

  private List<StoredTensor> inputScales() {
    if (scheme.activations().isEmpty()) {
      return List.of();
    }
    QuantArgs inputs = scheme.activations().get();
    boolean global = inputs.scale() == ScaleKind.E4M3_WITH_GLOBAL;
    if (inputs.timing() == Timing.LOCAL || inputs.timing() == Timing.STATIC && global) {
      return List.of(stored("input_global_scale", Set.of(DType.F32), ONE));
    }
    if (inputs.timing() == Timing.DYNAMIC) {
      return List.of();
    }
    StoredTensor scale = stored("input_scale", FLOATS, ONE);
    return inputs.symmetric()
        ? List.of(scale)
        : List.of(scale, stored("input_zero_point", Set.of(DType.I8), ONE));
  }

  /** A weight whose columns GPTQ took in another order is dequantized whenever it is read. */
  private StoredTensor permuted(QuantizeRequest request, List<StoredTensor> parts) {
    int n = Math.toIntExact(request.weight().rows());
    int k = Math.toIntExact(request.weight().columns());
    StoredTensor order = stored(COLUMN_GROUPS, Set.of(DType.I32), List.of((long) k));
    DType dtype = request.weight().dtype();
    String where = checkpoint.location();
    return new StoredTensor(
        name("weight"),
        dtype,
        List.of((long) n, (long) k),
        () -> {
          int[] groups = new int[k];
          order.bytes().get().order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(groups);
          List<ByteBuffer> bytes = parts.stream().map(part -> part.bytes().get()).toList();
          try {
            return PlainNumbers.dequantized(StoredWeight.ofColumns(request, bytes, groups), n, k);
          } catch (IndexOutOfBoundsException e) {
            throw ModelErrors.columnGroups(where, order.name(), e);
          }
        });
  }

  private StoredTensor stored(String suffix, Set<DType> dtypes, List<Long> shape) {
    CheckpointTensor tensor =
        checkpoint
            .tensor(name(suffix))
            .orElseThrow(
                () ->
                    ModelErrors.missingPart(
                        checkpoint.location(), name(suffix), dtypes + " " + shape, scheme.name()));
    List<Long> found = tensor.entry().shape();
    boolean scalar = shape.equals(ONE) && found.isEmpty();
    if (!dtypes.contains(tensor.entry().dtype()) || !found.equals(shape) && !scalar) {
      throw ModelErrors.part(
          checkpoint.location() + "/" + tensor.file(),
          tensor.entry(),
          dtypes + " " + shape,
          scheme.name());
    }
    StoredTensor stored = TensorBytes.stored(files, checkpoint.location(), tensor);
    return new StoredTensor(stored.name(), stored.dtype(), shape, stored.bytes());
  }

  /** The name, in the layout of the checkpoint, of a tensor of compressed-tensors. */
  private String storedSuffix(String suffix) {
    return switch (group.layout()) {
      case COMPRESSED_TENSORS -> suffix;
      case DEEPSEEK -> suffix.equals(SCALE) ? DEEPSEEK_SCALE : suffix;
      case TORCHAO -> suffix.equals("weight") ? "_weight_qdata" : "_" + suffix;
    };
  }

  private String name(String suffix) {
    return module + "." + suffix;
  }
}
