package org.sparkao.jobs.evaluate.logits;

/**
 * How a model agrees with a base on one item; both are means over its scored tokens.
 *
 * @param klDivergence KL(base || model) in nats, over the whole vocabulary
 * @param top1 share of tokens where both have the same likeliest token, the first one of equals
 */
public record Agreement(double klDivergence, double top1) {}
