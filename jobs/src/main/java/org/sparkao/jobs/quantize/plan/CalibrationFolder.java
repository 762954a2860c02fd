package org.sparkao.jobs.quantize.plan;

import java.io.IOException;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.sparkao.jobs.evaluate.plan.Sha256;
import org.sparkao.quant.calibration.Calibration;
import org.sparkao.quant.calibration.CalibrationInfo;
import org.sparkao.quant.calibration.CalibrationInfo.Block;
import org.sparkao.quant.checkpoint.CheckpointFiles;
import org.sparkao.quant.checkpoint.FileEntry;

/**
 * What {@code calibrate} wrote, as it was at planning.
 *
 * @param location of the folder
 * @param statistics that it holds
 * @param files of them
 */
public record CalibrationFolder(String location, Calibration statistics, List<FileEntry> files) {
  /** Freezes the list. */
  public CalibrationFolder {
    files = List.copyOf(files);
  }

  /**
   * Opens a folder.
   *
   * @throws org.sparkao.quant.QuantException when there is no finished calibration in it
   */
  public static CalibrationFolder open(CheckpointFiles folder) throws IOException {
    Calibration statistics = Calibration.open(folder);
    Set<String> names =
        statistics.info().blocks().stream().map(Block::file).collect(Collectors.toSet());
    List<FileEntry> files =
        folder.files().stream().filter(file -> names.contains(file.name())).toList();
    return new CalibrationFolder(folder.location(), statistics, files);
  }

  /** SHA-256 of what was seen, of which model and which text; wherever it lies. */
  public String hash() {
    CalibrationInfo info = statistics.info();
    Sha256 hash = new Sha256();
    hash.line(info.checkpoint().sha256());
    hash.line(info.data().sha256());
    info.blocks().forEach(block -> hash.line(block.sha256() + " " + block.name()));
    return hash.hex();
  }
}
