package org.sparkao.jobs.generate.plan;

import java.io.Serializable;

/**
 * What a sample begins with.
 *
 * @param ids tokens, one at least; nobody changes them
 * @param source file of the text; empty for a random token
 * @param offset where the text begins: byte of a text or JSONL file, row of a Parquet file; -1 for
 *     a random token
 */
public record Prompt(int[] ids, String source, long offset) implements Serializable {
  /** Says so where the token is nobody's. */
  static Prompt random(int[] ids) {
    return new Prompt(ids, "", -1);
  }
}
