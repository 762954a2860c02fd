package org.sparkao.jobs.export.plan;

import org.sparkao.quant.gguf.GgufType;

/**
 * The type of each matrix, as llama-quantize chooses it.
 *
 * <p>Source: llama.cpp's {@code llama-quant.cpp}.
 *
 * @param recipe what was asked for
 * @param pure whether all matrices get the recipe's type
 * @param weighted whether there is an importance matrix
 * @param model sizes that choices look at
 */
record TypeChoice(GgufRecipe recipe, boolean pure, boolean weighted, LlamaSizes model) {
  private static final int LAYERS_OF_70B = 80;
  private static final int SHARED_HEADS = 4;

  TypeChoice(ExportOptions options, LlamaSizes model) {
    this(
        options.recipe(),
        options.mixture() == ExportOptions.Mixture.PURE,
        options.importance().isPresent(),
        model);
  }

  /**
   * The type of a matrix.
   *
   * @param name in the file
   * @param layer of it; 0 for those of none
   * @param columns length of a row
   */
  GgufType of(String name, int layer, long columns) {
    GgufType wanted = recipe.plain() || pure ? recipe.type() : mixed(name, layer, columns);
    return fitting(wanted, columns);
  }

  private GgufType mixed(String name, int layer, long columns) {
    if (name.equals("output.weight") || model.tied() && name.equals("token_embd.weight")) {
      if (!recipe.type().fits(columns)) {
        return GgufType.Q8_0;
      }
      return recipe.type() == GgufType.Q8_0 ? GgufType.Q8_0 : GgufType.Q6_K;
    }
    if (name.equals("token_embd.weight")) {
      return recipe == GgufRecipe.TQ2_0 ? GgufType.Q4_K : recipe.type();
    }
    return switch (name.replaceFirst("^blk\\.\\d+\\.", "")) {
      case "attn_v.weight" -> value(layer);
      case "ffn_down.weight" -> down(layer);
      case "attn_output.weight" ->
          switch (recipe) {
            case Q2_K -> GgufType.Q3_K;
            case Q3_K_M -> GgufType.Q4_K;
            default -> recipe.type();
          };
      default -> recipe.type();
    };
  }

  private GgufType value(int layer) {
    boolean shared = model.heads() / model.keyHeads() >= SHARED_HEADS;
    GgufType type =
        switch (recipe) {
          case Q2_K -> shared ? GgufType.Q4_K : GgufType.Q3_K;
          case Q3_K_M -> layer < 2 ? GgufType.Q5_K : GgufType.Q4_K;
          case Q4_K_S -> layer < 4 ? GgufType.Q5_K : recipe.type();
          case Q4_K_M, Q5_K_M -> moreBits(layer) ? GgufType.Q6_K : recipe.type();
          case IQ4_NL, IQ4_XS -> shared ? GgufType.Q5_K : recipe.type();
          default -> recipe.type();
        };
    boolean small = type == GgufType.Q3_K || type == GgufType.Q4_K;
    return small && model.layers() == LAYERS_OF_70B ? GgufType.Q5_K : type;
  }

  private GgufType down(int layer) {
    boolean early = layer < model.layers() / 8;
    return switch (recipe) {
      case Q2_K -> GgufType.Q3_K;
      case Q3_K_M -> layer < model.layers() / 16 ? GgufType.Q5_K : GgufType.Q4_K;
      case Q4_K_M, Q5_K_M -> moreBits(layer) ? GgufType.Q6_K : recipe.type();
      case Q4_K_S -> early ? GgufType.Q5_K : recipe.type();
      case IQ4_NL, IQ4_XS -> early && !weighted ? GgufType.Q5_K : recipe.type();
      case Q4_0 -> early && weighted ? GgufType.Q4_1 : recipe.type();
      case Q5_0 -> early && weighted ? GgufType.Q5_1 : recipe.type();
      default -> recipe.type();
    };
  }

  /** The first and last eighth of the layers, and every third between. */
  private boolean moreBits(int layer) {
    int eighth = model.layers() / 8;
    return layer < eighth || layer >= 7 * model.layers() / 8 || (layer - eighth) % 3 == 2;
  }

  /** What takes the place of a type whose blocks do not fill the row. */
  private static GgufType fitting(GgufType type, long columns) {
    if (type.fits(columns)) {
      return type;
    }
    GgufType smaller =
        switch (type) {
          case IQ4_XS -> GgufType.IQ4_NL;
          case Q2_K, Q3_K, TQ2_0 -> GgufType.Q4_0;
          case Q4_K -> GgufType.Q5_0;
          case Q5_K -> GgufType.Q5_1;
          case Q6_K -> GgufType.Q8_0;
          default -> GgufType.F16;
        };
    return smaller.fits(columns) ? smaller : GgufType.F16;
  }
}
