/**
 * Evaluation tasks: from data files to prompts, from log-likelihoods to scores. No model and no
 * tokenizer: who computes the log-likelihoods is no concern of this package. A task is a YAML file
 * ({@code resources/tasks}, or a user's own); what cannot be data is a document format or a step in
 * {@link org.sparkao.datasets.task.DocumentFormats} and {@link
 * org.sparkao.datasets.task.DocumentSteps}. Start with {@link org.sparkao.datasets.task.EvalTasks}.
 *
 * <p>The prompts and the scores are those of lm-evaluation-harness 0.4.13, byte for byte. Examples
 * before the question (few-shot) would become a prefix of {@link
 * org.sparkao.datasets.task.Request#context}, which the request hash covers and the item hash does
 * not; generation would become another {@link org.sparkao.datasets.task.TaskKind} with its own
 * {@link org.sparkao.datasets.task.Answer}.
 */
package org.sparkao.datasets.task;
