package org.sparkao.gpu.model;

import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.sparkao.gpu.layer.HeadShape;

/**
 * What {@code config.json} says about a decoder-only model, as far as its forward pass goes.
 *
 * @param architecture its name there, such as {@code LlamaForCausalLM}
 * @param sizes of its matrices
 * @param heads of its attention
 * @param rope how positions turn q and k
 * @param normEpsilon of every RMSNorm
 * @param traits what families differ in
 * @param experts of a mixture of experts
 */
public record ModelConfig(
    String architecture,
    Sizes sizes,
    HeadShape heads,
    RopeConfig rope,
    float normEpsilon,
    Traits traits,
    Optional<Experts> experts) {
  /** All parts are given. */
  public ModelConfig {
    Objects.requireNonNull(architecture, "architecture");
    Objects.requireNonNull(sizes, "sizes");
    Objects.requireNonNull(heads, "heads");
    Objects.requireNonNull(rope, "rope");
    Objects.requireNonNull(traits, "traits");
    Objects.requireNonNull(experts, "experts");
  }

  /**
   * Sizes.
   *
   * @param vocabulary rows of the embedding
   * @param hidden elements of a hidden state
   * @param intermediate elements between gate and down
   * @param layers decoder layers
   * @param context most tokens of a sequence: {@code max_position_embeddings}, or the sliding
   *     window where that is less
   */
  public record Sizes(int vocabulary, int hidden, int intermediate, int layers, int context) {}

  /** What families differ in. */
  public enum Trait {
    /** q, k and v have biases (Qwen2). */
    QKV_BIAS,
    /** The projection back has one too (attention_bias of Llama). */
    OUTPUT_BIAS,
    /** gate, up and down have biases (mlp_bias of Llama). */
    MLP_BIAS,
    /** RMSNorm of every q and k head (Qwen3). */
    HEAD_NORMS,
    /** The output head is the embedding. */
    TIED_EMBEDDINGS
  }

  /** A set of traits. */
  public record Traits(Set<Trait> all) {
    /** Takes a copy. */
    public Traits {
      all = Set.copyOf(all);
    }

    /** Whether the family has it. */
    public boolean has(Trait trait) {
      return all.contains(trait);
    }
  }

  /**
   * A mixture of experts.
   *
   * @param count experts of a layer
   * @param perToken of them a token
   * @param intermediate elements between gate and down of an expert
   * @param weighting of their outputs
   */
  public record Experts(int count, int perToken, int intermediate, Mixture.Weighting weighting) {}
}
