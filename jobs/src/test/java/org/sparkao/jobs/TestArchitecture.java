package org.sparkao.jobs;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.ObjectInputStream;
import org.junit.jupiter.api.Test;

/** Which package may use which. */
class TestArchitecture {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("org.sparkao.jobs");

  @Test
  void configurationDoesNotKnowSpark() {
    noClasses()
        .that()
        .resideInAPackage("org.sparkao.jobs.config..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("org.apache.spark..", "org.apache.hadoop..", "io.delta..")
        .because("keys are read, checked and documented without a session")
        .check(CLASSES);
  }

  @Test
  void nobodyUsesTheCommandLine() {
    noClasses()
        .that()
        .resideOutsideOfPackage("org.sparkao.jobs.cli..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("org.sparkao.jobs.cli..", "picocli..")
        .because("only cli parses arguments and chooses exit codes")
        .check(CLASSES);
  }

  @Test
  void onlyTheCommandLineEndsTheJvm() {
    noClasses()
        .that()
        .resideOutsideOfPackage("org.sparkao.jobs.cli..")
        .should()
        .callMethod(System.class, "exit", int.class)
        .because("a job returns its exit code, so that tests and other jobs can run it")
        .check(CLASSES);
  }

  @Test
  void nobodyDeserializesJavaObjects() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .areAssignableTo(ObjectInputStream.class)
        .because("a stream of objects runs code of whoever wrote it; data travels as JSON")
        .check(
            new ClassFileImporter()
                .withImportOption(new ImportOption.DoNotIncludeTests())
                .importPackages("org.sparkao"));
  }

  @Test
  void packagesHaveNoCycles() {
    slices().matching("org.sparkao.jobs.(*)..").should().beFreeOfCycles().check(CLASSES);
  }
}
