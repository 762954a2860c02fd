package org.sparkao.jobs.spark;

import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.util.List;
import org.apache.spark.Dependency;
import org.apache.spark.Partition;
import org.apache.spark.SparkContext;
import org.apache.spark.TaskContext;
import org.apache.spark.rdd.RDD;
import scala.collection.Iterator;
import scala.collection.immutable.Nil$;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;
import scala.reflect.ClassTag$;

/** One partition a task, of one text: what its work said. */
final class TextRdd<T extends Serializable> extends RDD<String> {
  private static final long serialVersionUID = 1;

  private final transient List<T> tasks;
  private final TextWork<T> work;

  TextRdd(SparkContext spark, List<T> tasks, TextWork<T> work) {
    super(spark, noDependencies(), ClassTag$.MODULE$.apply(String.class));
    this.tasks = tasks;
    this.work = work;
  }

  @SuppressWarnings("unchecked")
  private static Seq<Dependency<?>> noDependencies() {
    return (Seq<Dependency<?>>) (Seq<?>) Nil$.MODULE$;
  }

  /** Each carries its own task, so that an executor gets no other's. */
  private record Place<T extends Serializable>(int index, T task) implements Partition {}

  @Override
  public Partition[] getPartitions() {
    Partition[] partitions = new Partition[tasks.size()];
    for (int i = 0; i < partitions.length; i++) {
      partitions[i] = new Place<>(i, tasks.get(i));
    }
    return partitions;
  }

  @Override
  @SuppressWarnings("unchecked")
  public Iterator<String> compute(Partition partition, TaskContext context) {
    try {
      String text = work.run(((Place<T>) partition).task(), context);
      return CollectionConverters.asScala(List.of(text).iterator());
    } catch (IOException e) {
      throw new UncheckedIOException(e.getMessage(), e);
    }
  }
}
