package org.sparkao.jobs.gpu;

import java.io.Serializable;
import java.util.List;
import org.apache.spark.Dependency;
import org.apache.spark.Partition;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.rdd.RDD;
import org.apache.spark.storage.BlockManagerId;
import org.sparkao.gpu.GpuException;
import org.sparkao.gpu.executor.GpuExecutor;
import scala.collection.Iterator;
import scala.collection.immutable.Nil$;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;
import scala.reflect.ClassTag$;
import scala.runtime.AbstractFunction1;

/** Asks executors about their GPUs: one partition each, placed on it while it is free. */
final class ExecutorProbe extends RDD<String> {
  private static final long serialVersionUID = 1;

  private final transient List<BlockManagerId> executors;
  private final String operation;

  ExecutorProbe(SparkContext spark, List<BlockManagerId> executors, String operation) {
    super(spark, noDependencies(), ClassTag$.MODULE$.apply(String.class));
    this.executors = executors;
    this.operation = operation;
    setName("GPUs of the executors");
  }

  @SuppressWarnings("unchecked")
  private static Seq<Dependency<?>> noDependencies() {
    return (Seq<Dependency<?>>) (Seq<?>) Nil$.MODULE$;
  }

  /** A place in the list of executors. */
  private record Place(int index) implements Partition {}

  @Override
  public Partition[] getPartitions() {
    Partition[] places = new Partition[executors.size()];
    for (int i = 0; i < places.length; i++) {
      places[i] = new Place(i);
    }
    return places;
  }

  @Override
  public Seq<String> getPreferredLocations(Partition partition) {
    BlockManagerId executor = executors.get(partition.index());
    // How Spark names one executor of a machine among the places that a task prefers.
    String place = "executor_" + executor.host() + "_" + executor.executorId();
    return CollectionConverters.asScala(List.of(place)).toList();
  }

  @Override
  public Iterator<String> compute(Partition partition, TaskContext context) {
    return CollectionConverters.asScala(List.of(look().toJson()).iterator());
  }

  private GpuReport look() {
    String executor = SparkEnv.get().executorId();
    String host = SparkEnv.get().blockManager().blockManagerId().host();
    try {
      GpuExecutor gpu = ExecutorGpu.require();
      GpuSight sight = GpuSight.of(operation);
      return sight.devices().isEmpty()
          ? new GpuReport(executor, host, false, sight.summary())
          : new GpuReport(executor, host, true, gpu.device().info().label());
    } catch (GpuException e) {
      return new GpuReport(executor, host, false, e.getMessage());
    }
  }

  /** Runs it. */
  List<GpuReport> reports() {
    String[] texts =
        (String[]) sparkContext().runJob(this, new First(), ClassTag$.MODULE$.apply(String.class));
    return List.of(texts).stream().map(GpuReport::fromJson).toList();
  }

  /** The only element of a partition. */
  private static final class First extends AbstractFunction1<Iterator<String>, String>
      implements Serializable {
    private static final long serialVersionUID = 1;

    @Override
    public String apply(Iterator<String> reports) {
      return reports.next();
    }
  }
}
