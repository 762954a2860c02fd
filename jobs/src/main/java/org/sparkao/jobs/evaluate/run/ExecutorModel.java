package org.sparkao.jobs.evaluate.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.locks.ReentrantLock;
import org.sparkao.datasets.tokenizer.Tokenizer;
import org.sparkao.datasets.tokenizer.Tokenizers;
import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.gpu.model.LanguageModel;
import org.sparkao.jobs.gpu.ExecutorGpu;
import org.sparkao.jobs.spark.SparkSessions;
import org.sparkao.jobs.storage.Storage;

/**
 * The model of this executor: opened by the first task, used by one at a time, kept for the next
 * ones. Spark gives no way from a task to what another one left: hence the static fields.
 */
final class ExecutorModel {
  private static final ReentrantLock LOCK = new ReentrantLock(true);
  private static ModelRequest opened;
  private static LanguageModel model;
  private static Tokenizer tokenizer;

  private ExecutorModel() {}

  /** What is done with a model. */
  @FunctionalInterface
  interface Use<R> {
    /** Does it. */
    R with(LanguageModel model);
  }

  /**
   * Waits for the model, opens it if nobody has, and uses it; on a GPU with a permit and in a
   * stream of its own.
   */
  static <R> R use(ModelSource source, ModelRequest request, Use<R> use) throws IOException {
    LOCK.lock();
    try {
      return request.device().kind() == DeviceInfo.Kind.CUDA
          ? ExecutorGpu.require().run(() -> use.with(open(source, request)))
          : use.with(open(source, request));
    } catch (UncheckedIOException e) {
      throw e.getCause();
    } finally {
      LOCK.unlock();
    }
  }

  private static LanguageModel open(ModelSource source, ModelRequest request) {
    if (!request.equals(opened)) {
      release();
      try {
        model = source.open(request, storage());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      opened = request;
    }
    return model;
  }

  /** The tokenizer of the model; to be asked for while the model is used. */
  static Tokenizer tokenizer(ModelRequest request) {
    if (tokenizer == null) {
      try {
        tokenizer =
            Tokenizers.open(
                TokenizerFiles.local(storage(), request.location(), SparkSessions.taskScratch()));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return tokenizer;
  }

  /** Where files of this task's lie. */
  static Storage storage() {
    return Storage.ofSettings(SparkSessions.taskSettings())
        .withScratch(SparkSessions.taskScratch());
  }

  /** Closes the model, where there is one. */
  static void release() {
    LOCK.lock();
    try {
      if (tokenizer != null) {
        tokenizer.close();
        tokenizer = null;
      }
      if (model != null) {
        model.close();
        model = null;
        opened = null;
      }
    } finally {
      LOCK.unlock();
    }
  }
}
