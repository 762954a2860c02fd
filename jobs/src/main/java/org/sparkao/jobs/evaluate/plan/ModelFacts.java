package org.sparkao.jobs.evaluate.plan;

/**
 * What is known of a model from its headers.
 *
 * @param architecture its name in {@code config.json}
 * @param vocabulary rows of the embedding
 * @param context most tokens of a sequence
 * @param weightBytes of all tensors
 */
public record ModelFacts(String architecture, int vocabulary, int context, long weightBytes) {}
