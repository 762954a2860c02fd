package org.sparkao.gpu.model;

/**
 * Launches that are run again and again over the same buffers: a captured graph on CUDA. New input
 * is written into the buffers before each run.
 */
public interface DecodeStep extends AutoCloseable {
  /** Launches all of them, in their order, into the calling thread's stream. */
  void run();

  /** Gives back what keeps them. */
  @Override
  void close();

  /** One that launches anew every time. */
  static DecodeStep of(Runnable launches) {
    return new DecodeStep() {
      @Override
      public void run() {
        launches.run();
      }

      @Override
      public void close() {
        // Nothing is kept.
      }
    };
  }
}
