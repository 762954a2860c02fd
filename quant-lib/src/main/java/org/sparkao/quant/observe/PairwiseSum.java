package org.sparkao.quant.observe;

import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BinaryOperator;

/**
 * Adds the parts 0 .. N-1 of something in the order of one binary tree: part 2i of a level and its
 * right neighbour make part i of the next. So a sum whose order matters to the last bit is the same
 * whoever adds which parts, and whenever. A part without a right neighbour moves up as it is.
 *
 * @param <T> what is added; a sum may reuse its operands
 */
public final class PairwiseSum<T> {
  private final int parts;
  private final BinaryOperator<T> sum;
  private final TreeMap<Node, T> nodes = new TreeMap<>();

  /**
   * A place in the tree.
   *
   * @param level 0 for the parts themselves
   * @param index in its level: it covers parts index * 2^level up to the next one's first
   */
  public record Node(int level, int index) implements Comparable<Node> {
    @Override
    public int compareTo(Node other) {
      return level == other.level
          ? Integer.compare(index, other.index)
          : Integer.compare(level, other.level);
    }
  }

  /**
   * Nothing added yet.
   *
   * @param parts how many there will be
   * @param sum of a left and a right operand
   */
  public PairwiseSum(int parts, BinaryOperator<T> sum) {
    if (parts < 1) {
      throw new IllegalArgumentException(parts + " parts");
    }
    this.parts = parts;
    this.sum = sum;
  }

  /** Adds a part, or a sum of parts that another one made. */
  public void add(Node place, T value) {
    Node node = place;
    T total = value;
    while (width(node.level) > 1) {
      Node neighbour = new Node(node.level, node.index ^ 1);
      if (neighbour.index < width(node.level)) {
        T other = nodes.remove(neighbour);
        if (other == null) {
          break;
        }
        total = neighbour.index < node.index ? sum.apply(other, total) : sum.apply(total, other);
      }
      node = new Node(node.level + 1, node.index >> 1);
    }
    if (nodes.put(node, total) != null) {
      throw new IllegalArgumentException(node + " was added twice");
    }
  }

  /** How many nodes a level has. */
  private int width(int level) {
    return (int) ((parts + (1L << level) - 1) >> level);
  }

  /** The sum of all parts, once it is there. */
  public Optional<T> total() {
    return nodes.size() == 1 && width(nodes.firstKey().level) == 1
        ? Optional.of(nodes.firstEntry().getValue())
        : Optional.empty();
  }

  /** What has been added so far, in the fewest nodes. */
  public Map<Node, T> nodes() {
    return new TreeMap<>(nodes);
  }
}
