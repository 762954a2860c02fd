package org.sparkao.jobs.generate.plan;

/**
 * A text of a file.
 *
 * @param text stripped, not empty
 * @param offset byte of its first character, or row
 */
record PromptText(String text, long offset) {}
