package dev.lorax.operator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.operator.metricsapi.Pem;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The Helm chart, rendered by the real Helm and taken by a real API server. */
@ExtendWith(TestingApiServer.class)
final class ChartIT {

  private static final String MONITORS = "monitoring.coreos.com/v1";

  static Stream<Path> cases() throws IOException {
    return GoldenFile.cases(ChartIT.class).stream();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void renders_what_is_expected(Path folder) throws IOException {
    // when
    String manifests =
        Chart.text(
            "--values",
            folder.resolve("in-values.yaml").toString(),
            "--set",
            "crds.install=false,metrics.dashboard.enabled=false");

    // then
    GoldenFile.assertText(folder.resolve("out-manifests.yaml"), manifests);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void is_taken_by_the_api_server(Path folder, TestingApiServer.Access server) {
    // given
    Path values = folder.resolve("in-values.yaml");
    List<HasMetadata> objects = Chart.objects("--values", values.toString());

    // then
    try (KubernetesClient client = server.client()) {
      Stream.of(Chart.NAMESPACE, "team-a", "team-b").forEach(name -> namespace(client, name));
      for (HasMetadata object : objects) {
        if (!object.getApiVersion().equals(MONITORS)) {
          assertThat(client.resource(object).dryRun().forceConflicts().serverSideApply())
              .isNotNull();
        }
      }
    }
  }

  @Test
  void passes_helm_lint() {
    // when
    Chart.Said plain = Chart.lint();
    Chart.Said twoReplicas = Chart.lint("--values", "../helm/lorax-operator/values-ha.yaml");

    // then
    assertThat(plain.status()).as(plain.output()).isZero();
    assertThat(twoReplicas.status()).as(twoReplicas.output()).isZero();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "replica=2                             | additional properties 'replica' not allowed",
        "leaderElection.leaseSeconds=1         | minimum: got 1, want 5",
        "image.digest=sha256:12                | does not match pattern",
        "replicas=2,leaderElection.enabled=false | set it to true, or replicas to 1",
        "podDisruptionBudget.enabled=true      | could never be drained; set replicas to 2",
        "networkPolicy.servers.enabled=true    | needs watchNamespaces"
      })
  void refuses_values_that_cannot_be_meant(String values, String message) {
    // when
    Chart.Said said = Chart.template("--set", values);

    // then
    assertThat(said.status()).isNotZero();
    assertThat(said.errors()).contains(message);
  }

  @Test
  void is_for_clusters_that_stop_sidecars_last() {
    // when
    Chart.Said old = Chart.template("--kube-version", "1.29.9");
    Chart.Said oldest = Chart.template("--kube-version", "1.30.0");

    // then
    assertThat(old.errors()).contains(">=1.30.0-0", "1.29.9");
    assertThat(oldest.status()).as(oldest.errors()).isZero();
  }

  @Test
  void upgrades_its_resource_definitions_and_leaves_them_when_it_is_uninstalled() {
    // when
    List<CustomResourceDefinition> definitions =
        Chart.objects().stream()
            .filter(CustomResourceDefinition.class::isInstance)
            .map(CustomResourceDefinition.class::cast)
            .toList();

    // then
    assertThat(definitions)
        .singleElement()
        .satisfies(definition -> {
          assertThat(definition.getMetadata().getName()).isEqualTo("loraxservers.lorax.dev");
          assertThat(definition.getMetadata().getAnnotations())
              .containsEntry("helm.sh/resource-policy", "keep");
        });
  }

  @Test
  void makes_a_certificate_for_the_name_under_which_the_metrics_api_is_called()
      throws IOException, GeneralSecurityException {
    // when
    var made = TestingCertificate.make();

    // then
    var certificate = Pem.certificates(made.certificate()).getFirst();
    certificate.verify(Pem.certificates(made.authority()).getFirst().getPublicKey());
    assertThat(certificate.getSubjectAlternativeNames())
        .singleElement()
        .satisfies(name -> assertThat(name.get(1)).isEqualTo(TestingCertificate.NAME));
  }

  @Test
  void names_an_image_by_its_digest() {
    // given
    String digest = "sha256:" + "0123456789abcdef".repeat(4);

    // when
    Deployment deployment =
        Chart.objects("--set", "image.tag=ignored,image.digest=" + digest).stream()
            .filter(Deployment.class::isInstance)
            .map(Deployment.class::cast)
            .findFirst()
            .orElseThrow();

    // then
    assertThat(deployment.getSpec().getTemplate().getSpec().getContainers().getFirst().getImage())
        .isEqualTo("lorax/operator@" + digest);
  }

  private static void namespace(KubernetesClient client, String name) {
    client
        .resource(
            new NamespaceBuilder()
                .withNewMetadata()
                .withName(name)
                .addToLabels("pod-security.kubernetes.io/enforce", "restricted")
                .endMetadata()
                .build())
        .serverSideApply();
  }
}
