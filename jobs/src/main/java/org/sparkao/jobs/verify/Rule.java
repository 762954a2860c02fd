package org.sparkao.jobs.verify;

import java.io.IOException;
import java.util.List;
import org.sparkao.quant.config.Finding;

/** One thing that is checked. */
interface Rule {

  /**
   * Looks at a checkpoint.
   *
   * @return what is wrong, in the order of the checkpoint; empty when nothing is
   */
  List<Finding> check(CheckpointView checkpoint) throws IOException;
}
