package org.sparkao.jobs.quantize.run;

import java.util.HashSet;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerJobStart;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.scheduler.SparkListenerTaskStart;
import scala.jdk.javaapi.CollectionConverters;

/**
 * The tasks of a job group that executors work on. Spark takes a job for ended as soon as it is
 * cancelled, while its tasks go on until they notice.
 */
final class RunningTasks extends SparkListener {
  private static final String GROUP = "spark.jobGroup.id";
  private static final long PATIENCE_SECONDS = 60;

  private final String group;
  private final Set<Integer> stages = new HashSet<>();
  private final Set<Long> tasks = new HashSet<>();

  RunningTasks(String group) {
    this.group = group;
  }

  @Override
  public synchronized void onJobStart(SparkListenerJobStart job) {
    Properties properties = job.properties();
    if (properties != null && group.equals(properties.getProperty(GROUP))) {
      CollectionConverters.asJava(job.stageIds()).forEach(stage -> stages.add((Integer) stage));
    }
  }

  @Override
  public synchronized void onTaskStart(SparkListenerTaskStart start) {
    if (stages.contains(start.stageId())) {
      tasks.add(start.taskInfo().taskId());
    }
  }

  @Override
  public synchronized void onTaskEnd(SparkListenerTaskEnd end) {
    tasks.remove(end.taskInfo().taskId());
    notifyAll();
  }

  /**
   * Waits until the last one has ended.
   *
   * @return whether it has, in the time that is given to it
   */
  synchronized boolean awaitNone() throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!tasks.isEmpty()) {
      long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
      if (left <= 0) {
        return false;
      }
      wait(left);
    }
    return true;
  }
}
