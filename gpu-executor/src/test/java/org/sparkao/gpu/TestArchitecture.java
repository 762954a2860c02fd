package org.sparkao.gpu;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** What this module may use. */
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
        .resideInAPackage("jcuda..")
        .because("every other package is tested without a GPU")
        .check(CLASSES);
  }
}
