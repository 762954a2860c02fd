package org.sparkao.jobs.export.run;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.sparkao.jobs.export.plan.ExportPlan.PlannedFile;
import org.sparkao.jobs.export.plan.PlannedTensor;

/**
 * Neighbouring tensors that one task writes.
 *
 * @param index of the part, in the order of all files
 * @param file that it is a part of
 * @param tensors in the order of the file
 */
record PartTask(int index, int file, List<PlannedTensor> tensors) implements Serializable {
  /** What a part reads, unless a single tensor has more. */
  private static final long SOURCE_BYTES = 128L << 20;

  PartTask {
    tensors = List.copyOf(tensors);
  }

  /** Cuts files into parts. */
  static List<PartTask> of(List<PlannedFile> files) {
    List<PartTask> parts = new ArrayList<>();
    for (int file = 0; file < files.size(); file++) {
      List<PlannedTensor> part = new ArrayList<>();
      long bytes = 0;
      for (PlannedTensor tensor : files.get(file).tensors()) {
        if (!part.isEmpty() && bytes + tensor.sourceBytes() > SOURCE_BYTES) {
          parts.add(new PartTask(parts.size(), file, part));
          part.clear();
          bytes = 0;
        }
        part.add(tensor);
        bytes += tensor.sourceBytes();
      }
      parts.add(new PartTask(parts.size(), file, part));
    }
    return parts;
  }
}
