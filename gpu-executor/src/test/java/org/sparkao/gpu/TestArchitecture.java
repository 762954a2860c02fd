package org.sparkao.gpu;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** What this module may use, and which way its packages point. */
class TestArchitecture {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("org.sparkao.gpu");

  @Test
  void onlyDeviceAndModuleTouchTheDriver() {
    noClasses()
        .that()
        .resideOutsideOfPackages("org.sparkao.gpu.device..", "org.sparkao.gpu.module..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("jcuda..", "com.sun.jna..")
        .because("every other package is tested without a GPU")
        .check(CLASSES);
  }

  @Test
  void deviceKnowsNobody() {
    classes()
        .that()
        .resideInAPackage("org.sparkao.gpu.device..")
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage(
            "org.sparkao.gpu", "org.sparkao.gpu.device..", "jcuda..", "com.sun.jna..", "java..")
        .check(CLASSES);
  }

  @Test
  void moduleKnowsDevicesAlone() {
    classes()
        .that()
        .resideInAPackage("org.sparkao.gpu.module..")
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage(
            "org.sparkao.gpu",
            "org.sparkao.gpu.device..",
            "org.sparkao.gpu.module..",
            "jcuda..",
            "com.sun.jna..",
            "java..")
        .check(CLASSES);
  }

  @Test
  void packagesFormNoCycle() {
    slices().matching("org.sparkao.gpu.(*)..").should().beFreeOfCycles().check(CLASSES);
  }
}
