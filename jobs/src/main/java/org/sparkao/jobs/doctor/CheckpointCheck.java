package org.sparkao.jobs.doctor;

import java.io.IOException;
import java.util.List;
import org.sparkao.jobs.job.Failures;
import org.sparkao.jobs.job.Texts;
import org.sparkao.jobs.storage.CheckpointLocation;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.CheckpointTensor;

/**
 * A checkpoint: its files are listed, and their headers read.
 *
 * @param storage where it lies
 * @param uri its folder or file
 */
record CheckpointCheck(Storage storage, String uri) implements Check {
  @Override
  public String subject() {
    return "checkpoint";
  }

  @Override
  public List<Finding> look() {
    try {
      return List.of(Finding.ok(subject(), seen(storage, uri)));
    } catch (IOException | RuntimeException e) {
      String rights =
          "look at the URI "
              + uri
              + ", at the rights of this user, and for object stores at the credentials (--conf"
              + " spark.hadoop.fs...)";
      return List.of(Finding.failed(subject(), e, StorageFix.of(Failures.text(e), rights)));
    }
  }

  /** What its headers tell. */
  static String seen(Storage storage, String uri) throws IOException {
    Checkpoint checkpoint = CheckpointLocation.of(uri).open(storage);
    List<CheckpointTensor> tensors = checkpoint.tensors();
    return uri
        + ": "
        + tensors.size()
        + " tensors in "
        + tensors.stream().map(CheckpointTensor::file).distinct().count()
        + " files, "
        + Texts.bytes(tensors.stream().mapToLong(tensor -> tensor.entry().bytes()).sum());
  }
}
