/**
 * Logits of an evaluation, kept beside the tables, and what a model's say against a base's. Start
 * with {@link org.sparkao.jobs.evaluate.logits.LogitsFile} for the form of the files and {@link
 * org.sparkao.jobs.evaluate.logits.LogitsRequest} for what a run does with them.
 */
package org.sparkao.jobs.evaluate.logits;
