package org.sparkao.gpu.model;

/** Sees what the experts of a mixture read. */
public interface ExpertObserver {
  /** Sees nothing. */
  ExpertObserver NONE =
      new ExpertObserver() {
        @Override
        public Shown shown(int expert) {
          return Shown.NOTHING;
        }

        @Override
        public void inputs(int expert, float[] x, int rows) {
          throw new IllegalStateException("nothing is shown of expert " + expert);
        }

        @Override
        public void inner(int expert, float[] x, int rows) {
          throw new IllegalStateException("nothing is shown of expert " + expert);
        }
      };

  /** Which tokens of an expert are shown. */
  enum Shown {
    /** None. */
    NOTHING,
    /** Those that the router sends there. */
    ROUTED,
    /** All of the pass; the result of the pass is that of the routed ones. */
    ALL
  }

  /** Which tokens of an expert it wants to see. */
  Shown shown(int expert);

  /**
   * Sees what gate and up read.
   *
   * @param x [rows, hidden], valid during the call
   */
  void inputs(int expert, float[] x, int rows);

  /**
   * Sees what down reads.
   *
   * @param x [rows, intermediate], valid during the call
   */
  void inner(int expert, float[] x, int rows);
}
