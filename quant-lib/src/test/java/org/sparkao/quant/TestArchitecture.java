package org.sparkao.quant;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaPackage;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** Which package may use which. A new package needs a line here. */
class TestArchitecture {
  private static final String ROOT = "org.sparkao.quant";

  /**
   * Package to the packages of this module that it may use; the root (exceptions) is open to all.
   */
  static final Map<String, Set<String>> ARROWS =
      Map.ofEntries(
          entry("format", Set.of()),
          entry("metric", Set.of()),
          entry("dense", Set.of()),
          entry("scheme", Set.of("format")),
          entry("safetensors", Set.of("format")),
          entry("checkpoint", Set.of("format", "safetensors")),
          entry("config", Set.of("scheme", "safetensors", "checkpoint")),
          entry("observe", Set.of("format", "scheme", "dense")),
          entry("calibration", Set.of("safetensors", "checkpoint", "observe")),
          entry("gguf", Set.of("format", "safetensors")),
          entry("llamacpp", Set.of("safetensors", "checkpoint", "gguf")),
          entry("pack", Set.of("format", "scheme", "safetensors")),
          entry("torchao", Set.of("format", "scheme", "pack")),
          entry(
              "algorithm",
              Set.of("format", "scheme", "safetensors", "observe", "pack", "metric", "torchao")),
          entry("prune", Set.of("format", "algorithm", "metric")),
          entry(
              "calibrated",
              Set.of(
                  "format",
                  "scheme",
                  "safetensors",
                  "observe",
                  "pack",
                  "metric",
                  "algorithm",
                  "prune",
                  "dense")));

  static final Set<String> PACKAGES = new TreeSet<>(ARROWS.keySet());

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages(ROOT);

  @ParameterizedTest
  @FieldSource("PACKAGES")
  void usesOnlyThePackagesThatItMayUse(String name) {
    String[] others =
        PACKAGES.stream()
            .filter(other -> !other.equals(name) && !ARROWS.get(name).contains(other))
            .map(other -> ROOT + "." + other + "..")
            .toArray(String[]::new);
    noClasses()
        .that()
        .resideInAPackage(ROOT + "." + name + "..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(others)
        .because("quant-lib's packages point one way")
        .check(CLASSES);
  }

  @Test
  void rootUsesNoPackage() {
    noClasses()
        .that()
        .resideInAPackage(ROOT)
        .should()
        .dependOnClassesThat()
        .resideInAPackage(ROOT + ".*..")
        .because("every package may use the root")
        .check(CLASSES);
  }

  @Test
  void everyPackageIsListed() {
    assertThat(CLASSES.stream().map(JavaClass::getPackage).map(JavaPackage::getName).distinct())
        .filteredOn(name -> !name.equals(ROOT))
        .extracting(name -> name.substring(ROOT.length() + 1))
        .containsExactlyInAnyOrderElementsOf(PACKAGES);
  }

  @Test
  void packagesHaveNoCycles() {
    slices().matching(ROOT + ".(*)..").should().beFreeOfCycles().check(CLASSES);
  }
}
