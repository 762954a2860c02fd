/**
 * The job {@code calibrate}: text through a model block by block, statistics of what its linear
 * layers read into files and the table {@code calibration}. {@code plan} reads headers and text,
 * {@code run} carries out. Start with {@code CalibrateJob}.
 */
package org.sparkao.jobs.calibrate;
