package org.sparkao.jobs.quantize.budget;

/**
 * One of the schemes that a group of layers may have.
 *
 * @param scheme its name
 * @param bits what the layers take with it, codes, scales and all
 * @param error what it costs: the sum of squared errors, weighted
 */
record Choice(String scheme, long bits, double error) {}
