package dev.lorax.e2e;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.time.Instant;

@AnalyzeClasses(packages = "dev.lorax.e2e", importOptions = ImportOption.DoNotIncludeTests.class)
final class ArchitectureTest {

  @ArchTest
  static final ArchRule PACKAGES_HAVE_NO_CYCLES =
      slices().matching("dev.lorax.e2e.(*)..").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule STORIES_SEE_THE_SYSTEM_FROM_OUTSIDE =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("dev.lorax.operator..", "dev.lorax.launcher..", "dev.lorax.router..");

  @ArchTest
  static final ArchRule ONLY_MAIN_TOUCHES_THE_PROCESS =
      noClasses()
          .that()
          .haveNameNotMatching(".*(Main|Config)(\\$.*)?")
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
          .callMethod(System.class, "nanoTime")
          .orShould()
          .callMethod(System.class, "currentTimeMillis")
          .orShould()
          .callMethod(Instant.class, "now");

  @ArchTest
  static final ArchRule PACKAGES_HAVE_A_SUBJECT =
      noClasses()
          .should()
          .resideInAnyPackage("..util..", "..common..", "..helper..", "..impl..", "..manager..");
}
