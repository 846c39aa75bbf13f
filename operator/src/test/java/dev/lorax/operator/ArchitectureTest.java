package dev.lorax.operator;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.type;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import dev.lorax.crds.v1alpha1.LoraxServer;
import io.fabric8.kubernetes.api.model.Affinity;
import io.fabric8.kubernetes.api.model.Quantity;
import java.time.Clock;
import java.time.Instant;

@AnalyzeClasses(
    packages = "dev.lorax.operator",
    importOptions = ImportOption.DoNotIncludeTests.class)
final class ArchitectureTest {

  private static final String PLAN = "dev.lorax.operator.server.plan..";
  private static final String MANIFEST = "dev.lorax.operator.server.manifest..";
  private static final String STATUS = "dev.lorax.operator.server.status..";
  private static final String APPLY = "dev.lorax.operator.server.apply..";
  private static final String CRDS = "dev.lorax.crds..";

  /** A plan is arithmetic: the spec, the language, and values that are handed through. */
  @ArchTest
  static final ArchRule planning_knows_no_cluster =
      classes()
          .that()
          .resideInAPackage(PLAN)
          .should()
          .onlyDependOnClassesThat(
              resideInAnyPackage("java..", "org.jspecify..", CRDS, PLAN)
                  .or(type(Quantity.class))
                  .or(type(Affinity.class)));

  @ArchTest
  static final ArchRule manifests_see_the_plan_and_never_the_spec =
      noClasses()
          .that()
          .resideInAPackage(MANIFEST)
          .should()
          .dependOnClassesThat(resideInAPackage(CRDS).and(not(type(LoraxServer.class))));

  @ArchTest
  static final ArchRule objects_are_kept_by_the_plan_and_never_by_the_spec =
      noClasses()
          .that()
          .haveFullyQualifiedName("dev.lorax.operator.server.OwnedObjects")
          .or()
          .haveFullyQualifiedName("dev.lorax.operator.server.ServerObjects")
          .should()
          .callMethod(LoraxServer.class, "getSpec")
          .orShould()
          .dependOnClassesThat(resideInAPackage(CRDS).and(not(type(LoraxServer.class))));

  @ArchTest
  static final ArchRule status_is_computed_without_a_client =
      noClasses()
          .that()
          .resideInAPackage(STATUS)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("io.fabric8.kubernetes.client..", "io.javaoperatorsdk..");

  @ArchTest
  static final ArchRule applying_knows_no_server =
      noClasses()
          .that()
          .resideInAPackage(APPLY)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(CRDS, PLAN, MANIFEST, STATUS, "io.javaoperatorsdk..");

  @ArchTest
  static final ArchRule packages_have_no_cycles =
      slices().matching("dev.lorax.operator.(**)").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule the_process_is_unknown_to_what_it_runs =
      noClasses()
          .that()
          .resideOutsideOfPackage("dev.lorax.operator")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("dev.lorax.operator");

  @ArchTest
  static final ArchRule other_programs_of_ours_are_unknown =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "dev.lorax.launcher..",
              "dev.lorax.router..",
              "dev.lorax.protocol..",
              "dev.lorax.options..");

  @ArchTest
  static final ArchRule only_main_touches_the_process =
      noClasses()
          .that()
          .doNotHaveSimpleName("OperatorMain")
          .should()
          .callMethod(System.class, "getenv")
          .orShould()
          .callMethod(System.class, "getProperty", String.class)
          .orShould()
          .callMethod(System.class, "exit", int.class);

  @ArchTest
  static final ArchRule clocks_are_handed_in =
      noClasses()
          .should()
          .callMethod(Instant.class, "now")
          .orShould()
          .callMethod(System.class, "nanoTime")
          .orShould()
          .callMethod(System.class, "currentTimeMillis")
          .orShould()
          .callMethod(Clock.class, "systemDefaultZone");

  @ArchTest
  static final ArchRule no_package_is_a_drawer =
      noClasses()
          .should()
          .resideInAnyPackage(
              "..util..", "..utils..", "..common..", "..helper..", "..impl..", "..manager..");
}
