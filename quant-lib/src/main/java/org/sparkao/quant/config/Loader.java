package org.sparkao.quant.config;

import java.util.EnumSet;
import java.util.Set;

/** Who reads the checkpoint afterwards. */
public enum Loader {
  VLLM("vLLM"),
  /** Hugging Face transformers, with the compressed-tensors package where the format needs it. */
  TRANSFORMERS("transformers");

  private final String displayName;

  Loader(String displayName) {
    this.displayName = displayName;
  }

  /** The name as its users write it. */
  public String displayName() {
    return displayName;
  }

  /** All of them, in a new set. */
  public static Set<Loader> all() {
    return EnumSet.allOf(Loader.class);
  }
}
