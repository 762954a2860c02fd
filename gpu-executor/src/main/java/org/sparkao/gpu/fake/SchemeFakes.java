package org.sparkao.gpu.fake;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.algorithm.GivenScales;
import org.sparkao.quant.algorithm.ModuleScales;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.observe.TensorRange;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.QuantArgs;
import org.sparkao.quant.scheme.QuantScheme;

/**
 * Fake quantization by scheme: fake weights are the numbers of the codes that {@code quantize}
 * stores (under torchao's NVFP4 in fp32 up to the last bit, as loaders divide by the global scale
 * that it multiplies with), fake inputs those that a runtime with this scheme computes with.
 */
public final class SchemeFakes implements Fakes {
  private final FakeDevice device;
  private final FakeSettings settings;
  private final Modules modules;
  private final Map<String, List<Tensor>> siblings = new HashMap<>();
  private final Map<String, LearnedScales> learned = new LinkedHashMap<>();

  /**
   * What is known of modules, by name.
   *
   * @param scheme what a module is quantized to; empty to leave it
   * @param fused a name that layers which loaders fuse have in common
   * @param inputRange the range of the inputs, for schemes that store a scale of theirs
   * @param scales what learned scales of a weight begin with; empty to begin with those of the
   *     weight
   */
  public record Modules(
      Function<String, Optional<QuantScheme>> scheme,
      Function<String, String> fused,
      Function<String, Optional<TensorRange>> inputRange,
      Function<String, Optional<GivenScales>> scales) {}

  /**
   * Fakes for one model.
   *
   * @param device stays the caller's
   */
  public SchemeFakes(FakeDevice device, FakeSettings settings, Modules modules) {
    this.device = device;
    this.settings = settings;
    this.modules = modules;
  }

  /**
   * As the interface says.
   *
   * @throws QuantException when scheme, shape and numerics do not go together, or scales are to be
   *     learned that the scheme computes; names the module
   */
  @Override
  public Optional<WeightFake> weight(String module, Tensor weight) {
    return modules.scheme().apply(module).map(scheme -> weight(module, weight, scheme));
  }

  private WeightFake weight(String module, Tensor weight, QuantScheme scheme) {
    QuantizeRequest request = settings.request(scheme, weight.rows(), weight.columns());
    try {
      Quantizers.parts(request);
    } catch (QuantException e) {
      throw new QuantException(module + ": " + e.getMessage(), e);
    }
    return settings.ranges() == FakeSettings.Ranges.COMPUTED
        ? computed(module, weight, request)
        : learned(module, weight, request);
  }

  private WeightFake computed(String module, Tensor weight, QuantizeRequest request) {
    List<Tensor> together =
        siblings.computeIfAbsent(group(module, request.scheme()), name -> new ArrayList<>());
    together.add(weight);
    return device.computed(request, together);
  }

  private WeightFake learned(String module, Tensor weight, QuantizeRequest request) {
    QuantScheme scheme = request.scheme();
    if (!isLearnable(scheme)) {
      throw new QuantException(
          module
              + ": the scales of scheme "
              + scheme.name()
              + " are computed from the weights and cannot be learned; use computed ranges");
    }
    boolean stepSize = settings.ranges() == FakeSettings.Ranges.LEARNED_STEP;
    LearnedScales scales =
        modules
            .scales()
            .apply(module)
            .map(given -> given(module, request, given))
            .orElseGet(() -> LearnedScales.of(module, request, weight, stepSize, device));
    learned.put(module, scales);
    return device.learned(scales);
  }

  private LearnedScales given(String module, QuantizeRequest request, GivenScales given) {
    boolean stepSize = settings.ranges() == FakeSettings.Ranges.LEARNED_STEP;
    try {
      return LearnedScales.of(module, request, given, stepSize, device);
    } catch (QuantException e) {
      throw new QuantException(module + ": " + e.getMessage(), e);
    }
  }

  /** Scales of the weight's type are numbers of their own; the others follow from the weights. */
  private static boolean isLearnable(QuantScheme scheme) {
    return scheme.weights().scale() == QuantArgs.ScaleKind.WEIGHT_DTYPE;
  }

  @Override
  public boolean learnsScales(String module) {
    return settings.ranges() != FakeSettings.Ranges.COMPUTED
        && modules.scheme().apply(module).isPresent();
  }

  /** Only NVFP4's global scale is shared; the scale of a tensor is its own. */
  private String group(String module, QuantScheme scheme) {
    return scheme.weights().scale() == QuantArgs.ScaleKind.E4M3_WITH_GLOBAL
        ? modules.fused().apply(module)
        : module;
  }

  /**
   * As the interface says.
   *
   * @throws QuantException when the range of the inputs is needed and not known
   */
  @Override
  public Optional<ActivationFake> activation(String module, int columns) {
    return modules
        .scheme()
        .apply(module)
        .filter(scheme -> scheme.activations().isPresent())
        .map(scheme -> activation(module, scheme));
  }

  private ActivationFake activation(String module, QuantScheme scheme) {
    QuantArgs args = scheme.activations().orElseThrow();
    Optional<TensorRange> range = Optional.empty();
    if (scheme.needsInputScales()) {
      range = modules.inputRange().apply(module);
      if (range.isEmpty()) {
        throw new QuantException(
            module
                + ": scheme "
                + scheme.name()
                + " stores a scale of the inputs, and their range is not known; calibrate first, or"
                + " use a scheme with dynamic inputs such as FP8_DYNAMIC or NVFP4A16");
      }
    }
    return device.inputs(args, settings.numerics(), range);
  }

  /** The learned scales as they are now, by module, for {@code qat_scales.safetensors}. */
  public Map<String, ModuleScales> learned() {
    Map<String, ModuleScales> all = new LinkedHashMap<>();
    DType type = settings.stored();
    learned.forEach(
        (module, scales) ->
            all.put(
                module,
                new ModuleScales(
                    scales.request().scheme().name(), settings.numerics(), type, scales.now())));
    return all;
  }
}
