package org.sparkao.jobs.sweep.run;

import java.util.Optional;

/**
 * A checkpoint that can be evaluated.
 *
 * @param location its folder
 * @param bytes of its tensors
 * @param calibration folder of the statistics that it was made with
 */
record MadeCheckpoint(String location, long bytes, Optional<String> calibration) {}
