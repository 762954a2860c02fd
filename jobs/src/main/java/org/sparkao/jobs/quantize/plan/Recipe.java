package org.sparkao.jobs.quantize.plan;

import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.sparkao.quant.scheme.QuantScheme;

/**
 * What shall become of a checkpoint.
 *
 * @param scheme for every linear layer that no rule speaks about
 * @param rules first match wins
 * @param arithmetic what all weights share
 * @param maxShardBytes longest file of the output, but for a single tensor that is longer
 */
public record Recipe(
    QuantScheme scheme, List<Rule> rules, Arithmetic arithmetic, long maxShardBytes) {

  /** Freezes the rules. */
  public Recipe {
    Objects.requireNonNull(scheme, "scheme");
    Objects.requireNonNull(arithmetic, "arithmetic");
    rules = List.copyOf(rules);
  }

  /** The first rule that speaks about a module. */
  public Optional<Rule> rule(String module) {
    return rules.stream().filter(rule -> rule.matches(module)).findFirst();
  }
}
