package org.sparkao.jobs.generate.run;

import java.io.Serializable;
import org.sparkao.gpu.layer.SamplingRule;
import org.sparkao.jobs.generate.plan.GeneratePlan;

/**
 * How samples are drawn, as it travels to executors.
 *
 * @param numbers of the rule
 * @param seed of all random bits
 * @param most tokens of a sample
 * @param least tokens of a sample
 * @param endTokens that end one
 */
record Drawing(RuleNumbers numbers, long seed, int most, int least, int[] endTokens)
    implements Serializable {
  /** Numbers of a {@link SamplingRule}. */
  record RuleNumbers(double temperature, int topK, double topP, int greedyTokens)
      implements Serializable {}

  static Drawing of(GeneratePlan plan) {
    SamplingRule rule = plan.rule();
    return new Drawing(
        new RuleNumbers(rule.temperature(), rule.topK(), rule.topP(), rule.greedyTokens()),
        plan.seed(),
        plan.limits().most(),
        plan.limits().least(),
        plan.limits().endTokens());
  }

  SamplingRule rule() {
    return new SamplingRule(numbers.temperature, numbers.topK, numbers.topP, numbers.greedyTokens);
  }
}
