package org.sparkao.jobs.evaluate;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.model.LanguageModel;
import org.sparkao.gpu.model.ModelConfig;
import org.sparkao.gpu.model.RopeConfig;
import org.sparkao.jobs.evaluate.plan.ModelFacts;
import org.sparkao.jobs.evaluate.run.ModelRequest;
import org.sparkao.jobs.evaluate.run.ModelSource;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.checkpoint.Checkpoint;

/**
 * Models that say something definite without weights: the logit of a token depends on it and on the
 * two tokens before it, by a hash. Counts what it is asked, for all tests of this JVM.
 */
public final class FakeModels implements ModelSource {
  /** Sequences that were scored. */
  public static final AtomicLong SCORED = new AtomicLong();

  /** Models that were opened. */
  public static final AtomicInteger OPENED = new AtomicInteger();

  /** Calls until one fails; none fails below zero. */
  public static final AtomicInteger CALLS_UNTIL_FAILURE = new AtomicInteger(-1);

  /** Calls after which all fail, as on a machine that went away. */
  public static final AtomicInteger CALLS_LEFT = new AtomicInteger(Integer.MAX_VALUE);

  private static final long serialVersionUID = 1;

  private final int vocabulary;
  private final int context;
  private final float distance;

  /** Models of a size. */
  public FakeModels(int vocabulary, int context) {
    this(vocabulary, context, 0);
  }

  /**
   * Models that say almost the same.
   *
   * @param distance how far the logits are from those of distance 0, at most
   */
  public FakeModels(int vocabulary, int context, float distance) {
    this.vocabulary = vocabulary;
    this.context = context;
    this.distance = distance;
  }

  /** Forgets what was counted. */
  public static void reset() {
    SCORED.set(0);
    OPENED.set(0);
    CALLS_UNTIL_FAILURE.set(-1);
    CALLS_LEFT.set(Integer.MAX_VALUE);
  }

  @Override
  public Optional<String> cpuOnly() {
    return Optional.of("the fake is on no device");
  }

  @Override
  public ModelFacts inspect(Checkpoint checkpoint, Storage storage) {
    return new ModelFacts("FakeForCausalLM", vocabulary, context, checkpoint.totalBytes());
  }

  @Override
  public LanguageModel open(ModelRequest request, Storage storage) {
    OPENED.incrementAndGet();
    return new FakeModel(request.capacity().batchTokens());
  }

  /** Logits after two tokens. */
  public float[] logits(int before, int last) {
    float[] logits = new float[vocabulary];
    for (int i = 0; i < vocabulary; i++) {
      long z = (before * 1_000_003L + last) * 1_000_003L + i;
      z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
      z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
      z ^= z >>> 31;
      logits[i] = (z & 0xffff) / 8192f + distance * ((z >>> 16) & 0xffff) / 65536f;
    }
    return logits;
  }

  /** log p of a token after two others. */
  public float logProbability(int before, int last, int token) {
    float[] logits = logits(before, last);
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit);
    }
    return (float) (logits[token] - Math.log(sum));
  }

  private boolean likeliest(int before, int last, int token) {
    float[] logits = logits(before, last);
    for (int i = 0; i < vocabulary; i++) {
      if (logits[i] > logits[token] || logits[i] == logits[token] && i < token) {
        return false;
      }
    }
    return true;
  }

  private final class FakeModel implements LanguageModel {
    private final int batchTokens;

    FakeModel(int batchTokens) {
      this.batchTokens = batchTokens;
    }

    @Override
    public ModelConfig config() {
      return new ModelConfig(
          "FakeForCausalLM",
          new ModelConfig.Sizes(vocabulary, 16, 16, 1, context),
          new HeadShape(1, 1, 16),
          new RopeConfig(10_000, new RopeConfig.Unscaled()),
          1e-5f,
          new ModelConfig.Traits(Set.of()),
          Optional.empty());
    }

    @Override
    public String numerics() {
      return distance == 0 ? "fake" : "fake, off by " + distance;
    }

    @Override
    public Placement placement() {
      return Placement.RESIDENT;
    }

    @Override
    public int batchTokens() {
      return batchTokens;
    }

    @Override
    public List<SequenceScore> score(List<ScoredSequence> batch) {
      return score(batch, (sequence, position, logits) -> {});
    }

    @Override
    public List<SequenceScore> score(List<ScoredSequence> batch, LogitsSink sink) {
      if (CALLS_UNTIL_FAILURE.get() >= 0 && CALLS_UNTIL_FAILURE.getAndDecrement() == 0) {
        throw new IllegalStateException("the fake was told to fail");
      }
      if (CALLS_LEFT.getAndDecrement() <= 0) {
        throw new IllegalStateException("the fake went away");
      }
      int tokens = batch.stream().mapToInt(sequence -> sequence.ids().length).sum();
      if (tokens > batchTokens) {
        throw new IllegalStateException(tokens + " tokens in a call of " + batchTokens);
      }
      List<SequenceScore> scores = new ArrayList<>();
      for (int s = 0; s < batch.size(); s++) {
        scores.add(score(s, batch.get(s), sink));
      }
      SCORED.addAndGet(batch.size());
      return scores;
    }

    private SequenceScore score(int index, ScoredSequence sequence, LogitsSink sink) {
      int[] ids = sequence.ids();
      float[] values = new float[ids.length - sequence.firstScored()];
      boolean[] greedy = new boolean[values.length];
      for (int i = 0; i < values.length; i++) {
        int at = sequence.firstScored() + i;
        int before = at > 1 ? ids[at - 2] : 0;
        values[i] = logProbability(before, ids[at - 1], ids[at]);
        greedy[i] = likeliest(before, ids[at - 1], ids[at]);
        sink.accept(index, at, logits(before, ids[at - 1]));
      }
      return new SequenceScore(values, greedy);
    }

    @Override
    public List<int[]> generate(List<int[]> prompts, GenerationLimits limits, Sampling sampling) {
      throw new UnsupportedOperationException("the fake generates nothing");
    }

    @Override
    public int continuedAtATime(int tokens) {
      return 1;
    }

    @Override
    public void close() {}
  }
}
