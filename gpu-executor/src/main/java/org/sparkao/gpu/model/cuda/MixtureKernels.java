package org.sparkao.gpu.model.cuda;

import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.model.Mixture;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;

/** The launcher of {@code src/main/cuda/mixture}; every launch is dependent. */
final class MixtureKernels {
  static final int MOST_EXPERTS = 512;
  static final int MOST_OF_TOKEN = 16;

  private static final String OP = "mixture";
  private static final int ROUTE_THREADS = 128;
  private static final int TOKENS_OF_BLOCK = 4;
  private static final int SORT_THREADS = 1024;
  private static final int THREADS = 256;
  private static final int OCTET = 8;
  private static final int LARGEST_GRID_Y = 65535;

  private final KernelLibrary library;
  private final int experts;
  private final int each;

  MixtureKernels(KernelLibrary library, Mixture mixture) {
    this.library = library;
    this.experts = mixture.experts().size();
    this.each = mixture.perToken();
  }

  /** Experts of tokens, ascending, and their weights: [tokens, each] int32 and fp32. */
  record Choices(Buffer experts, Buffer weights) {}

  /** Chooses by scores [tokens, experts]. */
  void route(Buffer scores, Choices to, int tokens, Mixture.Weighting weighting) {
    launch("mixture_route", tokens, ceilDiv(tokens, TOKENS_OF_BLOCK), 1, ROUTE_THREADS)
        .with(scores)
        .with(to.experts)
        .with(to.weights)
        .with(tokens)
        .with(experts)
        .with(each)
        .with(weighting == Mixture.Weighting.NORMALIZED ? 1 : 0)
        .run();
  }

  /**
   * Tokens by expert.
   *
   * @param offsets [experts + 1]
   * @param places [tokens * each]: where a choice stands
   * @param rows [tokens * each]: whose it is
   */
  record Order(Buffer offsets, Buffer places, Buffer rows) {}

  /** Sorts choices. */
  void sort(Choices choices, Order to, int tokens) {
    launch("mixture_sort", tokens, 1, 1, SORT_THREADS)
        .with(choices.experts)
        .with(to.offsets)
        .with(to.places)
        .with(to.rows)
        .with(tokens * each)
        .with(experts)
        .with(each)
        .run();
  }

  /** y += what experts gave [tokens * each, n], weighted. */
  void sum(Buffer sorted, Order order, Choices choices, Buffer y, Size size) {
    int blocks = ceilDiv(size.columns / OCTET, THREADS);
    launch("mixture_sum", size.tokens, blocks, size.tokens, THREADS)
        .with(sorted)
        .with(order.places)
        .with(choices.weights)
        .with(y)
        .with(size.tokens)
        .with(size.columns)
        .with(each)
        .run();
  }

  /** Of hidden states. */
  record Size(int tokens, int columns) {}

  /** y += what an expert gave of all tokens, fp32, where they chose it. */
  void add(Buffer x, Choices choices, int expert, Buffer y, Size size) {
    int blocks = ceilDiv(size.columns, THREADS);
    launch("mixture_add_fp32", size.tokens, blocks, size.tokens, THREADS)
        .with(x)
        .with(choices.experts)
        .with(choices.weights)
        .with(y)
        .with(size.tokens)
        .with(size.columns)
        .with(each)
        .with(expert)
        .run();
  }

  private Launch launch(String kernel, int tokens, int gridX, int gridY, int threads) {
    return library
        .kernel(OP, kernel)
        .launch(tokens + " tokens, " + each + " of " + experts + " experts")
        .grid(gridX, Math.min(gridY, LARGEST_GRID_Y))
        .block(threads)
        .dependent();
  }

  private static int ceilDiv(int a, int b) {
    return (a + b - 1) / b;
  }
}
