package org.sparkao.jobs.spark;

import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.apache.spark.SparkContext;
import org.apache.spark.rdd.RDD;
import scala.collection.Iterator;
import scala.reflect.ClassTag$;
import scala.runtime.AbstractFunction1;
import scala.runtime.AbstractFunction2;
import scala.runtime.BoxedUnit;

/** A Spark job whose tasks each tell the driver one text, in whatever order they end. */
public final class TextStage {
  private final SparkContext spark;
  private final String group;

  /**
   * A stage.
   *
   * @param group Spark's name for everything that is cancelled together
   */
  public TextStage(SparkContext spark, String group) {
    this.spark = spark;
    this.group = group;
  }

  /**
   * Runs the tasks; none, no job.
   *
   * @param description what Spark's pages call it
   * @param finished told the text of each task that ended well, in a thread of Spark; must not wait
   * @throws IOException when a task failed too often, or the stage was cancelled
   */
  public <T extends Serializable> void run(
      List<T> tasks, TextWork<T> work, String description, Consumer<String> finished)
      throws IOException {
    if (!tasks.isEmpty()) {
      run(new TextRdd<>(spark, tasks, work), description, finished);
    }
  }

  /**
   * Runs tasks that wait for each other (a barrier stage): all at the same time, each with a {@link
   * org.apache.spark.BarrierTaskContext}, and all again when one is lost. Spark does so with stages
   * alone that others follow, so that texts go through a shuffle.
   *
   * @param description what Spark's pages call it
   * @param finished told the text of each task when all have ended well
   * @throws IOException when a task failed too often, there is no room for all, or the stage was
   *     cancelled
   */
  public <T extends Serializable> void runTogether(
      List<T> tasks, TextWork<T> work, String description, Consumer<String> finished)
      throws IOException {
    RDD<String> texts =
        new TextRdd<>(spark, tasks, work)
            .barrier()
            .mapPartitions(new Same(), false, ClassTag$.MODULE$.apply(String.class));
    run(texts.repartition(1, null), description, finished);
  }

  private void run(RDD<String> rdd, String description, Consumer<String> finished)
      throws IOException {
    rdd.setName(description);
    spark.setJobGroup(group, description, true);
    spark.setCallSite(description);
    try {
      runEach(spark, rdd, finished);
    } catch (Exception e) { // Scala does not declare its SparkException.
      // Spark's messages go on with the stacks of executor and driver.
      throw new IOException(String.valueOf(e.getMessage()).lines().findFirst().orElse(""), e);
    } finally {
      spark.clearJobGroup();
      spark.clearCallSite();
    }
  }

  /**
   * Runs a job whose partitions have texts.
   *
   * @param finished told each text, in a thread of Spark; must not wait
   */
  public static void runEach(SparkContext spark, RDD<String> texts, Consumer<String> finished) {
    spark.runJob(texts, new All(), new Handler(finished), ClassTag$.MODULE$.apply(String[].class));
  }

  /** Stops the tasks, those of a job that is yet to begin too. */
  public void cancel(String why) {
    spark.cancelJobGroupAndFutureJobs(group, why);
  }

  /** What barrier stages are made of is a function of partitions. */
  private static final class Same extends AbstractFunction1<Iterator<String>, Iterator<String>>
      implements Serializable {
    private static final long serialVersionUID = 1;

    @Override
    public Iterator<String> apply(Iterator<String> texts) {
      return texts;
    }
  }

  /** All elements of a partition: one a task. */
  private static final class All extends AbstractFunction1<Iterator<String>, String[]>
      implements Serializable {
    private static final long serialVersionUID = 1;

    @Override
    public String[] apply(Iterator<String> texts) {
      List<String> all = new ArrayList<>();
      while (texts.hasNext()) {
        all.add(texts.next());
      }
      return all.toArray(String[]::new);
    }
  }

  /** Runs in Spark's scheduler thread of the driver. */
  private static final class Handler extends AbstractFunction2<Object, String[], BoxedUnit> {
    private final Consumer<String> consumer;

    private Handler(Consumer<String> consumer) {
      this.consumer = consumer;
    }

    @Override
    public BoxedUnit apply(Object partition, String[] texts) {
      Arrays.stream(texts).forEach(consumer);
      return BoxedUnit.UNIT;
    }
  }
}
