/**
 * Mixed precision by query: a scheme for each group of fused layers from the errors that earlier
 * runs stored, under a number of bits. Start with {@link
 * org.sparkao.jobs.quantize.budget.BudgetPlanner}.
 */
package org.sparkao.jobs.quantize.budget;
