package org.sparkao.jobs.spark;

import java.io.IOException;
import java.io.Serializable;
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
    if (tasks.isEmpty()) {
      return;
    }
    TextRdd<T> rdd = new TextRdd<>(spark, tasks, work);
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
   * Runs a job whose partitions have one text each.
   *
   * @param finished told each text, in a thread of Spark; must not wait
   */
  public static void runEach(SparkContext spark, RDD<String> texts, Consumer<String> finished) {
    spark.runJob(texts, new First(), new Handler(finished), ClassTag$.MODULE$.apply(String.class));
  }

  /** Stops the tasks, those of a job that is yet to begin too. */
  public void cancel(String why) {
    spark.cancelJobGroupAndFutureJobs(group, why);
  }

  /** The only element of a partition. */
  private static final class First extends AbstractFunction1<Iterator<String>, String>
      implements Serializable {
    private static final long serialVersionUID = 1;

    @Override
    public String apply(Iterator<String> texts) {
      return texts.next();
    }
  }

  /** Runs in Spark's scheduler thread of the driver. */
  private static final class Handler extends AbstractFunction2<Object, String, BoxedUnit> {
    private final Consumer<String> consumer;

    private Handler(Consumer<String> consumer) {
      this.consumer = consumer;
    }

    @Override
    public BoxedUnit apply(Object partition, String text) {
      consumer.accept(text);
      return BoxedUnit.UNIT;
    }
  }
}
