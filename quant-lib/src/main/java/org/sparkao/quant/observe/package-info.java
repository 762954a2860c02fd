/**
 * Ranges and statistics of a tensor, each with a merge. What is counted or compared merges in any
 * order; what is summed and rounded has a fixed one ({@link
 * org.sparkao.quant.observe.PairwiseSum}). Start with {@code InputObserver}.
 */
package org.sparkao.quant.observe;
