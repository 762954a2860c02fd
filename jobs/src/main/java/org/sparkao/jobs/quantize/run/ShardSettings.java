package org.sparkao.jobs.quantize.run;

import java.io.Serializable;
import java.util.List;
import org.sparkao.jobs.gpu.PlannedDevice;
import org.sparkao.jobs.quantize.plan.Arithmetic;
import org.sparkao.jobs.quantize.plan.NonFinitePolicy;
import org.sparkao.jobs.quantize.plan.SmoothedPair;

/**
 * What the tasks of a run share. Travels to the executors.
 *
 * @param source folder that is read
 * @param calibration folder of given input scales or of statistics; without a location when there
 *     is none
 * @param scales folder of the file of learned scales; without a location when there is none
 * @param output folder that is written; absolute, as executors start in folders of their own
 * @param arithmetic what all weights share
 * @param smoothing layers that take scales over from what makes their inputs
 * @param nonFinite what becomes of NaN and infinities
 * @param device what computes
 */
record ShardSettings(
    Planned source,
    Planned calibration,
    Planned scales,
    String output,
    Arithmetic arithmetic,
    List<SmoothedPair> smoothing,
    NonFinitePolicy nonFinite,
    PlannedDevice device)
    implements Serializable {}
