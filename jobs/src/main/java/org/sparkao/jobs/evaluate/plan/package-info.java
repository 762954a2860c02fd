/**
 * What an evaluation will do, decided on the driver before any weight is read: items of tasks as
 * tokens, and the batches that they are computed in. Knows no Spark and no device. Start with
 * {@link org.sparkao.jobs.evaluate.plan.EvaluatePlanner}.
 */
package org.sparkao.jobs.evaluate.plan;
