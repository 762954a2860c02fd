package org.sparkao.datasets.task;

/**
 * A document before and after the steps of its source.
 *
 * @param source as it is in the data, which the item's hash is of
 * @param prepared what templates are filled from
 */
record PreparedDocument(Document source, Document prepared) {
  /** Whether both hold the same values, wherever they were read. */
  boolean sameAs(PreparedDocument other) {
    return prepared.fields().equals(other.prepared.fields());
  }
}
