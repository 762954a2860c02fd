package org.sparkao.jobs.quantize.plan;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.Schemes;

class TestRecipe {

  private static Recipe recipe(Rule... rules) {
    return new Recipe(
        Schemes.parse("W4A16"),
        List.of(rules),
        new Arithmetic(
            WeightAlgorithm.RTN, Numerics.COMPRESSED_TENSORS, CheckpointLayout.COMPRESSED_TENSORS),
        1);
  }

  private static Recipe recipe(String... rules) {
    return recipe(Stream.of(rules).map(Rule::parse).toArray(Rule[]::new));
  }

  @Test
  void firstMatchWins() {
    Recipe recipe = recipe("layers\\.0\\.=W8A16", "q_proj=W8A8", "proj=skip");
    assertThat(recipe.rule("layers.0.q_proj").orElseThrow().text())
        .isEqualTo("layers\\.0\\.=W8A16");
    assertThat(recipe.rule("layers.1.q_proj").orElseThrow().text()).isEqualTo("q_proj=W8A8");
    assertThat(recipe.rule("layers.1.k_proj").orElseThrow().text()).isEqualTo("proj=skip");
    assertThat(recipe.rule("layers.1.fc1")).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "mlp, layers.0.mlp.gate, false",
    ".*, layers.0.mlp.gate, false",
    "mlp|gate_proj, layers.0.mlp.gate, false",
    "mlp\\.gate, layers.0.mlp.gate, true",
    "mlp\\.(gate|up_proj), layers.0.mlp.gate, true",
    "'gate$', layers.0.mlp.gate, true",
    "mlp, layers.0.mlp.gate_proj, true",
    "'layers\\.[0-3]\\.', vision_tower.layers.0.fc1, false",
    "fc1, vision_tower.layers.0.fc1, false",
    "vision_tower\\..*fc1, vision_tower.layers.0.fc1, true",
    "'layers\\.[0-3]\\.', model.layers.0.fc1, true",
    ".*, lm_head, false",
    "lm_head, lm_head, true",
    "layers, layers.61.shared_head.head, false",
    "shared_head\\.head, layers.61.shared_head.head, true",
  })
  void headsRoutersAndTowersMustBeSpelled(String regex, String module, boolean speaks) {
    assertThat(recipe(regex + "=FP8_DYNAMIC").rule(module).isPresent()).isEqualTo(speaks);
  }

  @Test
  void ruleThatDoesNotSpellLeavesTheWordToTheNext() {
    Recipe recipe = recipe("mlp=FP8_DYNAMIC", "mlp\\.gate=W8A16");
    assertThat(recipe.rule("layers.0.mlp.gate").orElseThrow().text()).isEqualTo("mlp\\.gate=W8A16");
    assertThat(recipe.rule("layers.0.mlp.up_proj").orElseThrow().text())
        .isEqualTo("mlp=FP8_DYNAMIC");
  }

  @Test
  void skipNeedNotSpell() {
    assertThat(recipe("mlp=skip").rule("layers.0.mlp.gate")).isPresent();
    assertThat(recipe(Rule.skip(".")).rule("lm_head")).isPresent();
  }
}
