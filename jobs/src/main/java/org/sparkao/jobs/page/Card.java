package org.sparkao.jobs.page;

/**
 * A figure and what it is.
 *
 * @param label what it is
 * @param value the figure
 * @param note what explains it; may be empty
 */
public record Card(String label, String value, String note) {}
