/**
 * Which weights become zero: patterns, and the methods that look at weights or at the mean square
 * of inputs. SparseGPT, which also changes what is kept, is {@code calibrated.SparseGpt}. Start
 * with {@link org.sparkao.quant.prune.WeightPruner}.
 */
package org.sparkao.quant.prune;
