package org.sparkao.jobs.quantize.plan;

import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.sparkao.quant.scheme.QuantScheme;

/**
 * What shall become of a checkpoint.
 *
 * @param scheme for every linear layer that no rule speaks about; empty where they stay dense and
 *     are pruned
 * @param rules first match wins
 * @param arithmetic what all weights share
 * @param maxShardBytes longest file of the output, but for a single tensor that is longer
 * @param nonFinite what becomes of NaN and infinities
 */
public record Recipe(
    Optional<QuantScheme> scheme,
    List<Rule> rules,
    Arithmetic arithmetic,
    long maxShardBytes,
    NonFinitePolicy nonFinite) {

  /** Freezes the rules. */
  public Recipe {
    Objects.requireNonNull(scheme, "scheme");
    Objects.requireNonNull(arithmetic, "arithmetic");
    Objects.requireNonNull(nonFinite, "nonFinite");
    if (scheme.isEmpty() && arithmetic.sparsity().none()) {
      throw new IllegalArgumentException("neither a scheme nor a pattern of zeros");
    }
    rules = List.copyOf(rules);
  }

  /** A recipe that keeps what is not finite. */
  public Recipe(QuantScheme scheme, List<Rule> rules, Arithmetic arithmetic, long maxShardBytes) {
    this(Optional.of(scheme), rules, arithmetic, maxShardBytes, NonFinitePolicy.KEEP);
  }

  /** What the tables call it: the scheme, or what is pruned. */
  public String name() {
    return scheme.map(QuantScheme::name).orElseGet(() -> arithmetic.sparsity().text());
  }

  /**
   * The first rule that speaks about a module. A rule with a scheme speaks about an output head, a
   * router of experts or a layer of a vision or audio tower only when it spells its name: they are
   * small, loaders want them as they are, and a broad rule rarely means them.
   */
  public Optional<Rule> rule(String module) {
    Optional<String> guarded = LinearModules.guardedName(module);
    return rules.stream()
        .filter(rule -> rule.matches(module))
        .filter(rule -> rule.scheme().isEmpty() || guarded.map(rule::spells).orElse(true))
        .findFirst();
  }

  /** The word that a rule must spell to quantize a module that some rule matches in vain. */
  Optional<String> unspelled(String module) {
    return LinearModules.guardedName(module)
        .filter(name -> rules.stream().anyMatch(rule -> rule.matches(module)));
  }
}
