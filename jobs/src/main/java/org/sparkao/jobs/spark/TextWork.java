package org.sparkao.jobs.spark;

import java.io.IOException;
import java.io.Serializable;
import org.apache.spark.TaskContext;

/**
 * What an executor does for one task. Travels to the executors.
 *
 * @param <T> what a task is told
 */
@FunctionalInterface
public interface TextWork<T extends Serializable> extends Serializable {
  /** Does it, and tells the driver what came of it. */
  String run(T task, TaskContext context) throws IOException;
}
