package dev.lorax.crds.v1alpha1;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.annotation.JsonClassDescription;
import io.fabric8.crd.generator.annotation.AdditionalPrinterColumn;
import io.fabric8.crdv2.generator.CRDGenerator;
import io.fabric8.crdv2.generator.CRDPostProcessor;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceColumnDefinition;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinitionVersion;
import io.fabric8.kubernetes.api.model.apiextensions.v1.JSONSchemaProps;
import io.fabric8.kubernetes.api.model.apiextensions.v1.ValidationRule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/** The CRD manifest of {@link LoraxServer}, generated from its Java types. */
final class ManifestGenerator {

  private ManifestGenerator() {}

  /** Generates the manifest into {@code directory} and returns its text. */
  static String generateInto(Path directory) throws IOException {
    Files.createDirectories(directory);
    new CRDGenerator()
        .customResourceClasses(LoraxServer.class)
        .inOutputDir(directory.toFile())
        .withMinQuotes(true)
        .withPostProcessor(new Conventions())
        .generate();
    return Files.readString(directory.resolve("loraxservers.lorax.dev-v1.yml"));
  }

  /** The schema of a property below {@code schema}. */
  static JSONSchemaProps property(JSONSchemaProps schema, String... path) {
    JSONSchemaProps property = schema;
    for (String name : path) {
      property = requireNonNull(property.getProperties().get(name), name);
    }
    return property;
  }

  /** What the generator has no annotation for: order of columns, kinds of lists, the top level. */
  private static final class Conventions implements CRDPostProcessor {

    @Override
    public HasMetadata process(HasMetadata crd, String crdSpecVersion) {
      for (var version : ((CustomResourceDefinition) crd).getSpec().getVersions()) {
        orderColumnsAsDeclared(version);
        JSONSchemaProps root = version.getSchema().getOpenAPIV3Schema();
        describeTopLevel(root);
        typeLists(root);
        refuseOwnedArguments(property(root, "spec", "launcher"));
      }
      return crd;
    }

    /**
     * One map for the rule, its message and the planner, where an annotation would need a third
     * copy.
     */
    private static void refuseOwnedArguments(JSONSchemaProps launcher) {
      String owned =
          OwnedArguments.all().entrySet().stream()
              .map(entry -> "'%s': '%s'".formatted(entry.getKey(), entry.getValue()))
              .collect(Collectors.joining(", ", "{", "}"));
      var rule = new ValidationRule();
      rule.setRule("!(self.split('=')[0] in %s)".formatted(owned));
      rule.setMessageExpression(
          """
          'spec.launcher.args names ' + self.split('=')[0] + ', which the operator sets itself: '\
           + %s[self.split('=')[0]]\
          """
              .formatted(owned));
      property(launcher, "args").getItems().getSchema().setXKubernetesValidations(List.of(rule));
    }

    private static void orderColumnsAsDeclared(CustomResourceDefinitionVersion version) {
      List<String> declared =
          Arrays.stream(LoraxServer.class.getAnnotationsByType(AdditionalPrinterColumn.class))
              .map(AdditionalPrinterColumn::name)
              .toList();
      version
          .getAdditionalPrinterColumns()
          .sort(
              Comparator.comparing(
                  (CustomResourceColumnDefinition column) -> declared.indexOf(column.getName())));
    }

    private static void describeTopLevel(JSONSchemaProps root) {
      root.setDescription(description(LoraxServer.class));
      root.setRequired(List.of("spec"));
      property(root, "spec").setDescription(description(LoraxServerSpec.class));
      property(root, "status").setDescription(description(LoraxServerStatus.class));
    }

    private static String description(Class<?> type) {
      return type.getAnnotation(JsonClassDescription.class).value();
    }

    private static void typeLists(JSONSchemaProps root) {
      property(root, "spec", "adapters", "preload").setXKubernetesListType("set");
      keyedBy("id", property(root, "status", "adapters"));
      JSONSchemaProps conditions = property(root, "status", "conditions");
      keyedBy("type", conditions);
      conditions
          .getItems()
          .getSchema()
          .setRequired(List.of("lastTransitionTime", "message", "reason", "status", "type"));
    }

    private static void keyedBy(String key, JSONSchemaProps list) {
      list.setXKubernetesListType("map");
      list.setXKubernetesListMapKeys(List.of(key));
      list.getItems().getSchema().setRequired(List.of(key));
    }
  }
}
