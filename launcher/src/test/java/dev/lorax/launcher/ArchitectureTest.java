package dev.lorax.launcher;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.time.Clock;
import java.time.Instant;

@AnalyzeClasses(
    packages = "dev.lorax.launcher",
    importOptions = ImportOption.DoNotIncludeTests.class)
final class ArchitectureTest {

  @ArchTest
  static final ArchRule ONLY_MAIN_READS_THE_SURROUNDINGS_AND_EXITS =
      noClasses()
          .that()
          .haveSimpleNameNotEndingWith("Main")
          .should()
          .callMethod(System.class, "getenv")
          .orShould()
          .callMethod(System.class, "getenv", String.class)
          .orShould()
          .callMethod(System.class, "getProperty", String.class)
          .orShould()
          .callMethod(System.class, "exit", int.class);

  @ArchTest
  static final ArchRule CLOCKS_ARE_HANDED_IN =
      noClasses()
          .should()
          .callMethod(Instant.class, "now")
          .orShould()
          .callMethod(System.class, "nanoTime")
          .orShould()
          .callMethod(System.class, "currentTimeMillis")
          .orShould()
          .callMethod(Clock.class, "systemUTC");

  @ArchTest
  static final ArchRule NO_CYCLES =
      slices().matching("dev.lorax.launcher.(*)..").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule NOBODY_KNOWS_ROUTER_OR_OPERATOR =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("dev.lorax.router..", "dev.lorax.operator..", "dev.lorax.crds..");

  @ArchTest
  static final ArchRule ONLY_MAIN_KNOWS_WHERE_PROCESSES_RUN =
      noClasses()
          .that()
          .resideInAnyPackage("..members..", "..model..", "..status..", "..convert..")
          .or()
          .haveSimpleName("Launcher")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("..control..", "..agent..")
          .orShould()
          .dependOnClassesThat()
          .haveSimpleName("LocalProcessHost");

  @ArchTest
  static final ArchRule CONVERSION_STANDS_ALONE =
      classes()
          .that()
          .resideInAPackage("..convert..")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              "dev.lorax.launcher.convert..",
              "dev.lorax.launcher.failure..",
              "java..",
              "com.fasterxml.jackson..",
              "org.jspecify..");

  @ArchTest
  static final ArchRule DOWNLOAD_KNOWS_NO_SOURCE =
      classes()
          .that()
          .resideInAPackage("..download..")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              "dev.lorax.launcher.download..",
              "dev.lorax.launcher.failure..",
              "java..",
              "com.fasterxml.jackson..",
              "org.slf4j..",
              "org.jspecify..");

  @ArchTest
  static final ArchRule A_HUB_IS_NOTHING_BUT_DOWNLOADS =
      classes()
          .that()
          .resideInAPackage("..hub..")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              "dev.lorax.launcher.hub..",
              "dev.lorax.launcher.download..",
              "dev.lorax.launcher.failure..",
              "dev.lorax.launcher.config..",
              "java..",
              "javax.net.ssl..",
              "com.fasterxml.jackson..",
              "org.slf4j..",
              "org.jspecify..");

  @ArchTest
  static final ArchRule ONLY_S3_KNOWS_AMAZONS_LIBRARY =
      noClasses()
          .that()
          .resideOutsideOfPackage("..launcher.s3..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("software.amazon..");

  @ArchTest
  static final ArchRule NAMES_SAY_WHAT_THINGS_ARE =
      noClasses()
          .should()
          .haveNameMatching(".*(Util|Utils|Common|Helper|Impl|Manager)")
          .orShould()
          .resideInAnyPackage("..util..", "..common..", "..helper..", "..impl..", "..service..");
}
