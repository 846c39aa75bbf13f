package dev.lorax.router;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

@AnalyzeClasses(packages = "dev.lorax.router", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  private static final String[] PURE = {
    "java..",
    "org.jspecify..",
    "dev.lorax.router.batching",
    "dev.lorax.router.kvcache",
    "dev.lorax.router.adapter",
    "dev.lorax.router.encoding",
    "dev.lorax.router.generation"
  };

  @ArchTest
  static final ArchRule only_http_sees_vertx =
      noClasses()
          .that()
          .resideOutsideOfPackage("dev.lorax.router.http")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("io.vertx..");

  @ArchTest
  static final ArchRule only_shard_sees_grpc_and_messages =
      noClasses()
          .that()
          .resideOutsideOfPackage("dev.lorax.router.shard")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("io.grpc..", "com.google.protobuf..", "dev.lorax.protocol..");

  @ArchTest
  static final ArchRule only_tracing_sees_opentelemetry =
      noClasses()
          .that()
          .resideOutsideOfPackage("dev.lorax.router.tracing")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("io.opentelemetry..");

  @ArchTest
  static final ArchRule only_tokenizer_sees_djl =
      noClasses()
          .that()
          .resideOutsideOfPackage("dev.lorax.router.tokenizer")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("ai.djl..");

  @ArchTest
  static final ArchRule batching_is_plain_java =
      classes()
          .that()
          .resideInAnyPackage(
              "dev.lorax.router.batching",
              "dev.lorax.router.kvcache",
              "dev.lorax.router.adapter",
              "dev.lorax.router.encoding",
              "dev.lorax.router.generation")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(PURE);

  @ArchTest
  static final ArchRule request_knows_neither_shards_nor_http =
      noClasses()
          .that()
          .resideInAPackage("dev.lorax.router.request")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("dev.lorax.router.http", "dev.lorax.router.shard");

  @ArchTest
  static final ArchRule packages_form_no_cycles =
      slices().matching("dev.lorax.router.(*)..").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule only_main_and_config_touch_the_process =
      noClasses()
          .that()
          .haveSimpleNameNotEndingWith("Main")
          .and()
          .haveSimpleNameNotEndingWith("Config")
          .should()
          .callMethod(System.class, "getenv")
          .orShould()
          .callMethod(System.class, "getenv", String.class)
          .orShould()
          .callMethod(System.class, "getProperty", String.class)
          .orShould()
          .callMethod(System.class, "setProperty", String.class, String.class)
          .orShould()
          .callMethod(System.class, "exit", int.class);

  @ArchTest
  static final ArchRule clocks_are_handed_in =
      noClasses()
          .should()
          .callMethod(java.time.Instant.class, "now")
          .orShould()
          .callMethod(System.class, "currentTimeMillis");

  @ArchTest
  static final ArchRule no_class_is_a_drawer_for_everything =
      noClasses()
          .should()
          .haveSimpleNameEndingWith("Util")
          .orShould()
          .haveSimpleNameEndingWith("Utils")
          .orShould()
          .haveSimpleNameEndingWith("Helper")
          .orShould()
          .haveSimpleNameEndingWith("Manager")
          .orShould()
          .haveSimpleNameEndingWith("Service")
          .orShould()
          .haveSimpleNameEndingWith("Impl");

  /** Kept so that an empty import cannot make every rule pass. */
  @ArchTest
  static void something_was_imported(com.tngtech.archunit.core.domain.JavaClasses classes) {
    org.assertj.core.api.Assertions.assertThat(classes)
        .extracting(JavaClass::getSimpleName)
        .contains("RouterMain", "BatchLoop");
  }
}
