package org.sparkao.jobs.evaluate.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.sparkao.datasets.tokenizer.Tokenizer;
import org.sparkao.datasets.tokenizer.Tokenizers;
import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.gpu.executor.GpuExecutor;
import org.sparkao.gpu.model.LanguageModel;
import org.sparkao.jobs.gpu.ExecutorGpu;
import org.sparkao.jobs.spark.SparkSessions;
import org.sparkao.jobs.storage.Storage;

/**
 * The model of a device of this executor: opened by the first task there, used by one at a time,
 * kept for the next ones. Spark gives no way from a task to what another one left: hence the static
 * fields.
 */
public final class ExecutorModel {
  /** The key of the processor, beside the numbers of GPUs. */
  private static final int PROCESSOR = -1;

  private static final Map<Integer, ExecutorModel> ON_DEVICES = new ConcurrentHashMap<>();
  private static final Map<String, Tokenizer> TOKENIZERS = new HashMap<>();
  private static int runs;

  private final ReentrantLock lock = new ReentrantLock(true);
  private ModelRequest opened;
  private LanguageModel model;

  private ExecutorModel() {}

  /** What is done with a model. */
  @FunctionalInterface
  public interface Use<R> {
    /** Does it. */
    R with(LanguageModel model);
  }

  /**
   * Waits for the model of this task's device, opens it if nobody has, and uses it; on a GPU with a
   * permit and in a stream of its own.
   */
  public static <R> R use(ModelSource source, ModelRequest request, Use<R> use) throws IOException {
    try {
      if (request.device().kind() == DeviceInfo.Kind.CPU) {
        return on(PROCESSOR).locked(() -> use.with(on(PROCESSOR).open(source, request)));
      }
      GpuExecutor gpu = ExecutorGpu.require();
      ExecutorModel own = on(gpu.device().info().ordinal());
      return own.locked(() -> gpu.run(() -> use.with(own.open(source, request))));
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  private static ExecutorModel on(int device) {
    return ON_DEVICES.computeIfAbsent(device, number -> new ExecutorModel());
  }

  private <R> R locked(Supplier<R> work) {
    lock.lock();
    try {
      return work.get();
    } finally {
      lock.unlock();
    }
  }

  private LanguageModel open(ModelSource source, ModelRequest request) {
    if (!request.equals(opened)) {
      close();
      try {
        model = source.open(request, storage());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      opened = request;
    }
    return model;
  }

  private void close() {
    if (model != null) {
      model.close();
      model = null;
      opened = null;
    }
  }

  /** The tokenizer of the model, which stays open until the models are released. */
  public static synchronized Tokenizer tokenizer(ModelRequest request) {
    return TOKENIZERS.computeIfAbsent(request.location(), ExecutorModel::openTokenizer);
  }

  private static Tokenizer openTokenizer(String location) {
    try {
      return Tokenizers.open(
          TokenizerFiles.local(storage(), location, SparkSessions.taskScratch()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Where files of this task's lie. */
  public static Storage storage() {
    return Storage.ofSettings(SparkSessions.taskSettings())
        .withScratch(SparkSessions.taskScratch());
  }

  /** A driver begins; in local mode it may be one of several in this JVM. */
  public static synchronized void hold() {
    runs++;
  }

  /** A driver ends; the last one closes the models, where there are any. */
  public static void release() {
    if (runsLeft() > 0) {
      return;
    }
    for (ExecutorModel one : ON_DEVICES.values()) {
      one.locked(
          () -> {
            one.close();
            return null;
          });
    }
    closeTokenizers();
  }

  private static synchronized int runsLeft() {
    runs--;
    return runs;
  }

  private static synchronized void closeTokenizers() {
    TOKENIZERS.values().forEach(Tokenizer::close);
    TOKENIZERS.clear();
  }
}
