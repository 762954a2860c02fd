/**
 * From a checkpoint's headers and a recipe to a plan: which tensor becomes what, in which file, at
 * which byte. No Spark, no weights: what can be refused is refused here. Start with {@link
 * org.sparkao.jobs.quantize.plan.QuantizePlanner}.
 */
package org.sparkao.jobs.quantize.plan;
