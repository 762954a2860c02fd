package org.sparkao.quant.config;

/** A module of a model, as far as targets and ignore lists tell modules apart. */
public interface NamedModule {
  /** Such as {@code model.layers.0.mlp.up_proj}. */
  String name();

  /** Whether it is an embedding; a linear layer otherwise. */
  boolean embedding();

  /** A linear layer by its name. */
  static NamedModule linear(String name) {
    /** Nothing but its name. */
    record Linear(String name) implements NamedModule {
      @Override
      public boolean embedding() {
        return false;
      }
    }

    return new Linear(name);
  }
}
