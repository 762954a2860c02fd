package org.sparkao.quant.algorithm;

/**
 * One loop over a piece. A kernel is a list of them, called from one place: HotSpot sees many
 * implementations there and compiles each loop by itself. Inlined into one method they would be too
 * many nodes, after which vectors are allocated.
 */
@FunctionalInterface
interface VectorStage {
  void apply(VectorPiece piece);
}
