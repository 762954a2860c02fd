/**
 * {@code generate}: text sampled from a checkpoint, as data for calibration and training. {@code
 * plan} decides prompts and parts before anything is computed, {@code run} computes and writes.
 */
package org.sparkao.jobs.generate;
