package org.sparkao.jobs.quantize.run;

import java.io.Serializable;
import java.util.List;
import org.sparkao.jobs.gpu.PlannedDevice;
import org.sparkao.jobs.quantize.plan.Arithmetic;
import org.sparkao.jobs.quantize.plan.NonFinitePolicy;
import org.sparkao.jobs.quantize.plan.SmoothedPair;
import org.sparkao.quant.checkpoint.FileEntry;

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
    implements Serializable {

  /** A file as it was at planning. */
  record SourceFile(String name, long size, String version) implements Serializable {
    static SourceFile of(FileEntry file) {
      return new SourceFile(file.name(), file.size(), file.version());
    }

    FileEntry entry() {
      return new FileEntry(name, size, version);
    }
  }

  /**
   * A folder as it was at planning.
   *
   * @param location absolute
   * @param files those with tensors
   */
  record Planned(String location, List<SourceFile> files) implements Serializable {
    /** No folder. */
    static final Planned NONE = new Planned("", List.of());

    Planned {
      files = List.copyOf(files);
    }
  }
}
