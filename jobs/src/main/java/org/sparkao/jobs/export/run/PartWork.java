package org.sparkao.jobs.export.run;

import java.io.IOException;
import org.apache.spark.TaskContext;
import org.apache.spark.util.LongAccumulator;
import org.sparkao.jobs.export.plan.PlannedTensor;
import org.sparkao.jobs.spark.SparkSessions;
import org.sparkao.jobs.spark.TextWork;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.gguf.GgufHeader;
import org.sparkao.quant.safetensors.ByteSink;

/**
 * Writes one part, and says its name, or why its input is refused.
 *
 * @param source folder of the checkpoint
 * @param fingerprint of it
 * @param target folder of the parts
 * @param bytesRead so far
 * @param scales of codes that stayed as they are
 * @param roundedScales of them, those that fp16 does not hold
 */
record PartWork(
    String source,
    String fingerprint,
    String target,
    LongAccumulator bytesRead,
    LongAccumulator scales,
    LongAccumulator roundedScales)
    implements TextWork<PartTask> {
  /** Begins the text of a refusal. */
  static final String REFUSED = "refused: ";

  @Override
  public String run(PartTask task, TaskContext context) throws IOException {
    Storage storage = Storage.ofSettings(SparkSessions.taskSettings());
    Folder parts = storage.folder(target);
    // Another attempt of the same task never writes the same file.
    String name = "part-" + task.index() + "-" + context.taskAttemptId();
    try (ByteSink sink = parts.sink(name);
        TensorRows rows = new TensorRows(storage.folder(source), fingerprint)) {
      long position = 0;
      for (PlannedTensor tensor : task.tensors()) {
        position = write(tensor, rows, sink, position, context);
      }
      sink.commit();
      scales.add(rows.roundedScales().all());
      roundedScales.add(rows.roundedScales().rounded());
      return name;
    } catch (QuantException e) {
      return REFUSED + e.getMessage();
    }
  }

  private long write(
      PlannedTensor tensor, TensorRows rows, ByteSink sink, long begin, TaskContext context)
      throws IOException {
    long[] position = {begin};
    rows.convert(
        tensor,
        (bytes, count, read) -> {
          context.killTaskIfInterrupted();
          sink.write(position[0], bytes, 0, count);
          position[0] += count;
          bytesRead.add(read);
        });
    int padding = (int) (GgufHeader.aligned(position[0]) - position[0]);
    sink.write(position[0], new byte[padding], 0, padding);
    return position[0] + padding;
  }
}
