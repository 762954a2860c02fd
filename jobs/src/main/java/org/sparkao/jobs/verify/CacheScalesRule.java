package org.sparkao.jobs.verify;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sparkao.quant.config.ArgsReader;
import org.sparkao.quant.config.ConfigReader;
import org.sparkao.quant.config.Finding;
import org.sparkao.quant.config.Loader;
import org.sparkao.quant.scheme.Granularity.PerTensor;
import org.sparkao.quant.scheme.QuantArgs;
import org.sparkao.quant.scheme.QuantArgs.Kind;
import org.sparkao.quant.scheme.QuantArgs.Timing;

/**
 * A quantized key-value cache is one that vLLM has, and every attention layer stores its scales.
 */
final class CacheScalesRule implements Rule {

  @Override
  public List<Finding> check(CheckpointView checkpoint) {
    JsonNode scheme =
        checkpoint.contents().config().path("quantization_config").path("kv_cache_scheme");
    List<Finding> findings = new ArrayList<>();
    if (scheme.isMissingNode() || scheme.isNull()) {
      return findings;
    }
    String path = ConfigReader.PATH + ".kv_cache_scheme";
    Optional<QuantArgs> args = ArgsReader.read(path, scheme, findings);
    if (args.isPresent() && !supported(args.get())) {
      findings.add(
          Finding.error(
              Loader.VLLM,
              path,
              "is " + scheme,
              "vLLM has 8-bit float caches with one static symmetric scale a tensor only"));
    }
    for (ModuleTensors module : checkpoint.modules()) {
      if (module.leaf().equals("k_proj")) {
        checkLayer(checkpoint, module.parent(), findings);
      }
    }
    return findings;
  }

  private static boolean supported(QuantArgs args) {
    return args.kind() == Kind.FLOAT
        && args.bits() == 8
        && args.timing() == Timing.STATIC
        && args.granularity() instanceof PerTensor;
  }

  private static void checkLayer(
      CheckpointView checkpoint, String attention, List<Finding> findings) {
    Optional<ModuleTensors> owner =
        checkpoint.modules().stream().filter(module -> module.name().equals(attention)).findFirst();
    for (String suffix : List.of("k_scale", "v_scale")) {
      if (owner.flatMap(module -> module.tensor(suffix)).isEmpty()) {
        findings.add(
            Finding.warning(
                Loader.VLLM,
                attention + "." + suffix,
                "is missing though kv_cache_scheme is set",
                "write it: vLLM takes 1.0 otherwise"));
      }
    }
  }
}
