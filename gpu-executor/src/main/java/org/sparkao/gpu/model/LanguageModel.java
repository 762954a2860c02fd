package org.sparkao.gpu.model;

import java.util.List;
import org.sparkao.gpu.layer.SamplingRule;

/** A model that scores and continues token sequences. For one thread at a time. */
public interface LanguageModel extends AutoCloseable {
  /** What it is. */
  ModelConfig config();

  /**
   * How it computes, for logs, rows and keys of stored results: {@link ModelOperators#version()},
   * arithmetic, and every linear layer's {@link Projection#numerics()} that occurs. Equal text,
   * checkpoint and device: equal bits.
   */
  String numerics();

  /** Where its weights are; it does not change results. */
  Placement placement();

  /**
   * Most tokens that one call of {@link #score} reads ({@link ScoredSequence#read}), all sequences
   * together; a streamed model takes any number, and this is the most of one sequence.
   */
  int batchTokens();

  /**
   * Scores sequences, each as if it were alone.
   *
   * @param batch it reads at most {@link #batchTokens()} tokens, of each sequence at most the
   *     model's context: one that is a token longer is scored to its end
   * @return one a sequence, in order
   */
  List<SequenceScore> score(List<ScoredSequence> batch);

  /** The same, and the logits of every scored token go to {@code sink}. */
  List<SequenceScore> score(List<ScoredSequence> batch, LogitsSink sink);

  /**
   * Continues prompts with the likeliest token each time (the first one of equals).
   *
   * @return the new tokens of each prompt, in order: up to and with the first end token
   */
  default List<int[]> generate(List<int[]> prompts, GenerationLimits limits) {
    return generate(prompts, limits, Sampling.GREEDY);
  }

  /**
   * Continues prompts, each as if it were alone: a token follows from the tokens before it, the
   * rule, the seed, the sample's number and its position.
   *
   * @return the new tokens of each prompt, in order: up to and with the first end token
   */
  List<int[]> generate(List<int[]> prompts, GenerationLimits limits, Sampling sampling);

  /**
   * How many sequences of so many tokens, prompts included, it continues at a time; 0 where the
   * device has no memory for the keys and values of one. More may be given: they take turns.
   */
  int continuedAtATime(int tokens);

  @Override
  void close();

  /** Where weights are. */
  enum Placement {
    /** All on the device. */
    RESIDENT,
    /**
     * Read block by block, because the device has no memory for all: give {@link #score} as many
     * sequences as the host holds hidden states of. It cuts them into batches itself.
     */
    STREAMED
  }

  /** Receives logits while a batch is scored: sequence by sequence, token by token, in order. */
  interface LogitsSink {
    /**
     * Takes the logits of one scored token.
     *
     * @param sequence index in the batch
     * @param position index of the token in its sequence
     * @param logits [vocabulary], valid during the call
     */
    void accept(int sequence, int position, float[] logits);
  }

  /**
   * A sequence and what of it is scored.
   *
   * @param ids all tokens
   * @param firstScored the first token that is scored, at least 1: ids[i] given ids[0..i-1] for i
   *     from it on
   */
  record ScoredSequence(int[] ids, int firstScored) {
    /** Refuses a sequence of which nothing is scored. */
    public ScoredSequence {
      if (firstScored < 1 || firstScored >= ids.length) {
        throw new IllegalArgumentException("scored from " + firstScored + " of " + ids.length);
      }
    }

    /** How many of the tokens the model reads: all but the last, which nothing follows. */
    public int read() {
      return ids.length - 1;
    }
  }

  /**
   * Scores of the tokens from {@link ScoredSequence#firstScored} on.
   *
   * @param logProbabilities natural logarithms
   * @param greedy whether each token was the likeliest
   */
  record SequenceScore(float[] logProbabilities, boolean[] greedy) {
    /** Their sum, in double and in order. */
    public double sum() {
      double sum = 0;
      for (float value : logProbabilities) {
        sum += value;
      }
      return sum;
    }

    /** Whether every token was the likeliest. */
    public boolean allGreedy() {
      for (boolean value : greedy) {
        if (!value) {
          return false;
        }
      }
      return true;
    }
  }

  /**
   * When a continuation ends.
   *
   * @param mostTokens new tokens
   * @param leastTokens so many new tokens are none of the end tokens, however likely those are
   * @param endTokens any of them ends it, and belongs to it
   * @param stop asked after every token with all new tokens of a prompt: true ends it
   */
  record GenerationLimits(int mostTokens, int leastTokens, int[] endTokens, StopRule stop) {
    /** Checks the numbers. */
    public GenerationLimits {
      if (leastTokens < 0 || leastTokens > mostTokens) {
        throw new IllegalArgumentException(leastTokens + " to " + mostTokens + " new tokens");
      }
    }

    /** Without a least number of tokens. */
    public GenerationLimits(int mostTokens, int[] endTokens, StopRule stop) {
      this(mostTokens, 0, endTokens, stop);
    }
  }

  /**
   * How tokens are chosen.
   *
   * @param rule the same for all prompts
   * @param seed of the random bits
   * @param firstSample number of the first prompt; the others follow it
   */
  record Sampling(SamplingRule rule, long seed, long firstSample) {
    /** The likeliest token each time. */
    public static final Sampling GREEDY = new Sampling(SamplingRule.GREEDY, 0, 0);
  }

  /** Ends a continuation by its text. */
  interface StopRule {
    /** Does not. */
    StopRule NEVER = (prompt, tokens) -> false;

    /**
     * Whether the continuation ends here.
     *
     * @param prompt index of the prompt
     * @param tokens new tokens so far
     */
    boolean stopsAt(int prompt, int[] tokens);
  }
}
