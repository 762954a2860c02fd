package org.sparkao.jobs.quantize.run;

import java.io.Serializable;
import java.util.List;
import org.sparkao.jobs.quantize.plan.Arithmetic;
import org.sparkao.jobs.quantize.plan.NonFinitePolicy;

/**
 * What the tasks of a run share. Travels to the executors.
 *
 * @param source folder that is read; absolute
 * @param calibration folder of given input scales; empty when there is none
 * @param output folder that is written; absolute, as executors start in folders of their own
 * @param arithmetic what all weights share
 * @param nonFinite what becomes of NaN and infinities
 * @param files the files of source and calibration as they were at planning
 */
record ShardSettings(
    String source,
    String calibration,
    String output,
    Arithmetic arithmetic,
    NonFinitePolicy nonFinite,
    List<SourceFile> files)
    implements Serializable {

  /** A file as it was at planning. */
  record SourceFile(String name, long size, String version) implements Serializable {}

  ShardSettings {
    files = List.copyOf(files);
  }
}
