package org.sparkao.gpu.layer;

import java.util.Optional;
import org.sparkao.gpu.device.Buffer;

/**
 * Causal attention of whole sequences: token i attends to the tokens of its own sequence up to
 * itself, out = softmax(q k / sqrt(dimension)) v. Tokens that several sequences begin with may be
 * there once: a prefix is a sequence of its own, and those that go on from it name it. No bit
 * depends on whether they do.
 */
public interface PrefillAttention {
  /**
   * Attends.
   *
   * @param qkv [tokens, {@link HeadShape#rowElements()}], sequences one after the other
   * @param out [tokens, {@link HeadShape#queryElements()}] bf16
   */
  void attend(Buffer qkv, HeadShape shape, Batch batch, Buffer out);

  /**
   * The sequences.
   *
   * @param boundaries [sequences + 1] int32: sequence i is tokens boundaries[i] to boundaries[i +
   *     1] - 1
   * @param tokens of all sequences
   * @param longest at least the tokens of the longest
   * @param prefixes [sequences, 2] int32: the first token of what comes before a sequence's own
   *     tokens, and how many these are; none go before any where it is absent
   */
  record Batch(
      Buffer boundaries, int sequences, int tokens, int longest, Optional<Buffer> prefixes) {
    /** Checks sizes. */
    public Batch {
      LayerShapes.checkPositive("sequences", sequences);
      LayerShapes.checkPositive("tokens", tokens);
      LayerShapes.checkPositive("longest", longest);
      LayerShapes.checkBytes("boundaries", boundaries, sequences + 1L, Integer.BYTES);
      prefixes.ifPresent(
          given -> LayerShapes.checkBytes("prefixes", given, 2L * sequences, Integer.BYTES));
    }

    /** Of sequences that share nothing. */
    public Batch(Buffer boundaries, int sequences, int tokens, int longest) {
      this(boundaries, sequences, tokens, longest, Optional.empty());
    }

    void check(Buffer qkv, HeadShape shape, Buffer out) {
      LayerShapes.checkBf16("q, k and v", qkv, (long) tokens * shape.rowElements());
      LayerShapes.checkBf16("out", out, (long) tokens * shape.queryElements());
    }
  }
}
