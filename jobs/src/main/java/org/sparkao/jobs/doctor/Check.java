package org.sparkao.jobs.doctor;

import java.util.List;

/** Looks at one thing. */
interface Check {
  /** What it looks at, one word. */
  String subject();

  /** What it sees; whatever it throws is a failure. */
  List<Finding> look() throws Exception;
}
