package org.sparkao.jobs.quantize.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import org.apache.spark.Dependency;
import org.apache.spark.Partition;
import org.apache.spark.SparkContext;
import org.apache.spark.TaskContext;
import org.apache.spark.rdd.RDD;
import org.sparkao.jobs.quantize.plan.ShardTask;
import scala.collection.Iterator;
import scala.collection.immutable.Nil$;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;
import scala.reflect.ClassTag$;

/** One partition a file: computing it writes the file and gives the {@link ShardOutcome}. */
final class ShardRdd extends RDD<String> {
  private static final long serialVersionUID = 1;

  private final transient List<ShardTask> tasks;
  private final ShardWork work;

  ShardRdd(SparkContext spark, List<ShardTask> tasks, ShardWork work) {
    super(spark, noDependencies(), ClassTag$.MODULE$.apply(String.class));
    this.tasks = tasks;
    this.work = work;
  }

  @SuppressWarnings("unchecked")
  private static Seq<Dependency<?>> noDependencies() {
    return (Seq<Dependency<?>>) (Seq<?>) Nil$.MODULE$;
  }

  /** Each carries its own task, so that an executor gets no other's. */
  private record ShardPartition(int index, ShardTask task) implements Partition {}

  @Override
  public Partition[] getPartitions() {
    Partition[] partitions = new Partition[tasks.size()];
    for (int i = 0; i < partitions.length; i++) {
      partitions[i] = new ShardPartition(i, tasks.get(i));
    }
    return partitions;
  }

  @Override
  public Iterator<String> compute(Partition partition, TaskContext context) {
    try {
      String outcome = work.run(((ShardPartition) partition).task(), context).toJson();
      return CollectionConverters.asScala(List.of(outcome).iterator());
    } catch (IOException e) {
      throw new UncheckedIOException(e.getMessage(), e);
    }
  }
}
