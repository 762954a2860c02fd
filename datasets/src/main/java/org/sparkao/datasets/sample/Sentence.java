package org.sparkao.datasets.sample;

/**
 * One sentence of a story.
 *
 * @param kind what it tells; null for a sentence that nothing can be asked of
 * @param stem all but the last word and the full stop
 * @param answer the last word
 */
record Sentence(SentenceKind kind, String stem, String answer) {

  /** The whole sentence. */
  String text() {
    return stem + " " + answer + ".";
  }
}
