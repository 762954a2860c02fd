package org.sparkao.jobs.evaluate.logits;

/** Adds up the agreement over scored tokens. */
final class AgreementSum {
  private double divergences;
  private long agreeing;
  private long tokens;

  /**
   * Of one token.
   *
   * @param agrees whether both have the same likeliest token
   */
  record OfToken(double divergence, boolean agrees) {}

  /**
   * What is to be added of a token. The divergence is Σ p·(ln p − ln q) − p + q, which for rounded
   * logarithms, whose probabilities do not add up to one, still has no negative term, and is 0 for
   * equal ones.
   *
   * @param base [vocabulary], ln p of the base
   * @param model [vocabulary], ln q of the model
   */
  static OfToken ofToken(float[] base, float[] model) {
    double divergence = 0;
    int likeliestOfBase = 0;
    int likeliest = 0;
    for (int i = 0; i < base.length; i++) {
      if (base[i] != model[i]) {
        double p = Math.exp(base[i]);
        double q = Math.exp(model[i]);
        divergence += (p == 0 ? 0 : p * ((double) base[i] - model[i])) - p + q;
      }
      likeliestOfBase = base[i] > base[likeliestOfBase] ? i : likeliestOfBase;
      likeliest = model[i] > model[likeliest] ? i : likeliest;
    }
    return new OfToken(divergence, likeliestOfBase == likeliest);
  }

  /** One more token. */
  void add(OfToken token) {
    divergences += token.divergence;
    agreeing += token.agrees ? 1 : 0;
    tokens++;
  }

  /** Means over the tokens. */
  Agreement mean() {
    return new Agreement(divergences / tokens, (double) agreeing / tokens);
  }
}
