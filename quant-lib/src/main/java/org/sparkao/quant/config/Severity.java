package org.sparkao.quant.config;

/** How bad a finding is. */
public enum Severity {
  /** A loader refuses the checkpoint or silently computes something else. */
  ERROR,
  /** It loads, but slower, less exactly, or only in some versions. */
  WARNING
}
