package org.sparkao.jobs.verify;

import java.util.ArrayList;
import java.util.List;
import org.sparkao.quant.config.ConfigReader;
import org.sparkao.quant.config.Finding;
import org.sparkao.quant.config.ModulePattern;
import org.sparkao.quant.config.QuantizationConfig;
import org.sparkao.quant.scheme.CheckpointLayout;

/**
 * The configuration and the tensors agree on what is quantized: every Linear that was left alone is
 * listed, nothing that is listed has codes, everything that has codes is targeted.
 */
final class IgnoreRule implements Rule {

  @Override
  public List<Finding> check(CheckpointView checkpoint) {
    if (checkpoint.contents().config().path("quantization_config").isObject()) {
      List<Finding> findings = new ArrayList<>();
      checkpoint.config().ifPresent(config -> checkQuantized(checkpoint, config, findings));
      return findings;
    }
    return checkPlain(checkpoint);
  }

  private static List<Finding> checkPlain(CheckpointView checkpoint) {
    return checkpoint.modules().stream()
        .filter(ModuleTensors::quantized)
        .map(
            module ->
                Finding.error(
                    module.name(),
                    "has quantized tensors " + module.tensors().keySet(),
                    "config.json must have a quantization_config that says how to read them"))
        .toList();
  }

  private static void checkQuantized(
      CheckpointView checkpoint, QuantizationConfig config, List<Finding> findings) {
    for (ModuleTensors module : checkpoint.modules()) {
      boolean ignored = config.ignores(module);
      boolean targeted = config.group(module).isPresent();
      if (module.quantized() && ignored) {
        findings.add(
            Finding.error(
                module.name(),
                "has quantized tensors but is on the ignore list",
                "take it off the list, or store its weight unquantized"));
      } else if (module.quantized() && !targeted) {
        findings.add(
            Finding.error(
                module.name(),
                "has quantized tensors but no group targets it",
                "add it to the targets of its group"));
      } else if (module.plainLinear() && targeted && !ignored && !described(config)) {
        findings.add(unlisted(module, config));
      }
    }
    config.ignore().stream()
        .filter(entry -> entry instanceof ModulePattern.Expression)
        .filter(entry -> checkpoint.modules().stream().noneMatch(entry::names))
        .map(
            entry ->
                Finding.warning(
                    ConfigReader.PATH + ".ignore",
                    entry.text() + " matches no module",
                    "correct the expression; it must match from the beginning of a name"))
        .forEach(findings::add);
  }

  /** Headers of torchao's checkpoints say themselves what each tensor is. */
  private static boolean described(QuantizationConfig config) {
    return config.method().equals("torchao");
  }

  /** Loaders of {@code fp8} checkpoints know heads and routers by themselves. */
  private static Finding unlisted(ModuleTensors module, QuantizationConfig config) {
    String what = "is not quantized but the ignore list does not name it";
    boolean deepseek =
        config.groups().stream().anyMatch(group -> group.layout() == CheckpointLayout.DEEPSEEK);
    if (deepseek) {
      return Finding.warning(
          module.name(),
          what,
          "add it to modules_to_not_convert and ignored_layers, unless its model class keeps it");
    }
    return Finding.error(
        module.name(), what, "add it to ignore: loaders look for its scales otherwise");
  }
}
