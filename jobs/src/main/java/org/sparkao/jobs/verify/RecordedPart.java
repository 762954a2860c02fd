package org.sparkao.jobs.verify;

/**
 * A stored tensor as the run that wrote it recorded it.
 *
 * @param name its name in the output
 * @param file its file in the output folder
 * @param bytes its length
 * @param sha256 of its bytes, lower-case hex
 */
record RecordedPart(String name, String file, long bytes, String sha256) {}
