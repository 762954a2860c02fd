package org.sparkao.jobs.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.quant.QuantException;

class TestConfig {
  private static final ConfigKey<String> NAME = ConfigKey.text("name", "NAME", "A name.");
  private static final ConfigKey<Long> SIZE =
      ConfigKey.value("max-size", "SIZE", "A size.", ByteSize::parse).withDefault("5GB");
  private static final ConfigKey<String> RULES =
      ConfigKey.list("rule", "RULE", "A rule.", text -> text);
  private static final ConfigKey<Boolean> DRY = ConfigKey.flag("dry-run", "Stops.");
  private static final List<ConfigKey<?>> KEYS = List.of(NAME, SIZE, RULES, DRY);

  @Test
  void strongerLayerWinsAndListsAreReplacedAsAWhole() {
    Config config =
        Config.resolve(
            KEYS,
            List.of(
                layer("f.yaml", Map.of("name", List.of("file"), "rule", List.of("a", "b"))),
                layer("command line", Map.of("name", List.of("option"), "rule", List.of("c"))),
                layer("--set", Map.of("name", List.of("set")))));
    assertThat(config.value(NAME)).isEqualTo("set");
    assertThat(config.all(RULES)).containsExactly("c");
    assertThat(config.value(SIZE)).isEqualTo(5_000_000_000L);
    assertThat(config.value(DRY)).isFalse();
    assertThat(config.effective())
        .containsEntry("max-size", List.of("5GB"))
        .containsEntry("name", List.of("set"));
  }

  @Test
  void unknownKeyListsTheValidOnes() {
    assertThatThrownBy(
            () -> Config.resolve(KEYS, List.of(layer("f.yaml", Map.of("sise", List.of("1"))))))
        .isInstanceOf(QuantException.class)
        .hasMessage("f.yaml: unknown key \"sise\"; there are dry-run, max-size, name, rule");
  }

  @Test
  void badValueNamesKeyAndWayOut() {
    assertThatThrownBy(
            () -> Config.resolve(KEYS, List.of(layer("--set", Map.of("max-size", List.of("5X"))))))
        .isInstanceOf(QuantException.class)
        .hasMessage("--max-size 5X: not a size; write it as 5GB, 500MB or 256MiB");
  }

  @Test
  void missingValueIsNamed() {
    Config config = Config.resolve(KEYS, List.of());
    assertThatThrownBy(() -> config.value(NAME))
        .isInstanceOf(QuantException.class)
        .hasMessage("--name NAME is missing: A name.");
  }

  @Test
  void yamlFileIsALayer(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("job.yaml");
    Files.writeString(
        file, "name: x\ndry-run: true\nrule:\n  - a=W4A16(group_size=64)\n  - b=skip\n");
    Config config = Config.resolve(KEYS, List.of(ConfigFile.read(file)));
    assertThat(config.value(NAME)).isEqualTo("x");
    assertThat(config.value(DRY)).isTrue();
    assertThat(config.all(RULES)).containsExactly("a=W4A16(group_size=64)", "b=skip");
  }

  @Test
  void nestedYamlIsRefused(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("job.yaml");
    Files.writeString(file, "name:\n  first: x\n");
    assertThatThrownBy(() -> ConfigFile.read(file))
        .isInstanceOf(QuantException.class)
        .hasMessage("--config " + file + ": name must be a value or a list of values");
  }

  @Test
  void missingFileIsRefused(@TempDir Path folder) {
    Path file = folder.resolve("none.yaml");
    assertThatThrownBy(() -> ConfigFile.read(file))
        .isInstanceOf(QuantException.class)
        .hasMessage("--config " + file + ": there is no such file");
  }

  private static ConfigLayer layer(String origin, Map<String, List<String>> values) {
    return new ConfigLayer(origin, values);
  }
}
