package org.sparkao.quant.config;

import java.util.List;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * An entry of {@code targets} or {@code ignore}: a module's name, {@code re:} and an expression
 * that matches from the beginning of the name (as Python's {@code re.match}), or a class name.
 */
public sealed interface ModulePattern {

  /** The entry as written. */
  String text();

  /** Whether the module is named by this entry. A class name never names one. */
  boolean names(NamedModule module);

  /** Whether the module's class is this entry. */
  default boolean isClassOf(NamedModule module) {
    return false;
  }

  /**
   * Reads one entry.
   *
   * @throws PatternSyntaxException when the expression is none
   */
  static ModulePattern parse(String text) {
    if (text.startsWith("re:")) {
      return new Expression(text, Pattern.compile(text.substring("re:".length())));
    }
    return new Name(text);
  }

  /** {@code re:.*gate$}. */
  record Expression(String text, Pattern pattern) implements ModulePattern {
    @Override
    public boolean names(NamedModule module) {
      return pattern.matcher(module.name()).lookingAt();
    }
  }

  /** {@code lm_head}, or the class {@code Linear}. */
  record Name(String text) implements ModulePattern {
    @Override
    public boolean names(NamedModule module) {
      return module.name().equals(text);
    }

    @Override
    public boolean isClassOf(NamedModule module) {
      return switch (text) {
        case "Linear" -> !module.embedding();
        case "Embedding" -> module.embedding();
        default -> false;
      };
    }
  }

  /**
   * An entry of torchao's: of a module, or of its weight by the name of that, as far as no entry
   * before it is.
   */
  record Torchao(ModulePattern entry, List<ModulePattern> before) implements ModulePattern {
    /** Takes a copy of the list. */
    public Torchao {
      before = List.copyOf(before);
    }

    @Override
    public String text() {
      return entry.text();
    }

    @Override
    public boolean names(NamedModule module) {
      NamedModule weight = NamedModule.linear(module.name() + ".weight");
      return isOf(entry, module, weight)
          && before.stream().noneMatch(other -> isOf(other, module, weight));
    }

    private static boolean isOf(ModulePattern entry, NamedModule module, NamedModule weight) {
      return entry.names(module) || entry.names(weight);
    }
  }

  /**
   * An entry of {@code modules_to_not_convert} or {@code ignored_layers}: a module and everything
   * below it, or the end of a name.
   */
  record Subtree(String text) implements ModulePattern {
    @Override
    public boolean names(NamedModule module) {
      String name = module.name();
      return name.equals(text) || name.startsWith(text + ".") || name.endsWith("." + text);
    }
  }
}
