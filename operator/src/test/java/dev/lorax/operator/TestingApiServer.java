package dev.lorax.operator;

import dev.lorax.operator.server.plan.Specs;
import io.fabric8.kubeapitest.KubeAPIServer;
import io.fabric8.kubeapitest.KubeAPIServerConfigBuilder;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.http.Interceptor;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * A real API server with etcd and our CRD, one for all tests of a run. It has no controllers:
 * nobody makes pods of a Deployment or collects garbage, so tests do or check that themselves.
 */
public final class TestingApiServer implements ParameterResolver {

  private static final String DIRECTORY = "KUBE_API_TEST_DIR";
  private static final String OPERATOR = "test-operator";

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext extension) {
    return parameter.getParameter().getType() == TestingApiServer.Access.class;
  }

  @Override
  public Access resolveParameter(ParameterContext parameter, ExtensionContext extension) {
    return extension
        .getRoot()
        .getStore(ExtensionContext.Namespace.create(TestingApiServer.class))
        .getOrComputeIfAbsent(Access.class, key -> Access.start(), Access.class);
  }

  /** How tests reach the server. Closed with the test run. */
  public static final class Access implements AutoCloseable {

    private final KubeAPIServer server;
    private final AuditLog audit;
    private final Config config;
    private int namespaces;

    private Access(KubeAPIServer server, AuditLog audit) {
      this.server = server;
      this.audit = audit;
      this.config = Config.fromKubeconfig(server.getKubeConfigYaml());
    }

    private static Access start() {
      Path directory = emptyDirectory();
      var audit = new AuditLog(directory.resolve("audit.jsonl"));
      var server =
          new KubeAPIServer(
              KubeAPIServerConfigBuilder.anAPIServerConfig()
                  .withTestDir(directory().toString())
                  .withOfflineMode(true)
                  .withApiServerFlag("--bind-address", "127.0.0.1")
                  // Owner references then need a right of their own, as on some clusters.
                  .withApiServerFlag(
                      "--enable-admission-plugins", "OwnerReferencesPermissionEnforcement")
                  .withApiServerFlag("--audit-policy-file", policy(directory).toString())
                  .withApiServerFlag("--audit-log-path", audit.file().toString())
                  .build());
      server.start();
      var access = new Access(server, audit);
      access.applyDefinition();
      try (var client = access.client()) {
        ChartRole.grant(client, OPERATOR);
      }
      return access;
    }

    /** A client that may do everything, of its own for each caller, who closes it. */
    public KubernetesClient client() {
      return new KubernetesClientBuilder().withConfig(config).build();
    }

    /** A client that may do what the chart grants to the operator, and nothing else. */
    public KubernetesClient operatorClient() {
      return operatorClientBuilder().build();
    }

    private KubernetesClient operatorClient(Interceptor interceptor) {
      return operatorClientBuilder()
          .withHttpClientBuilderConsumer(
              http -> http.addOrReplaceInterceptor(interceptor.getClass().getName(), interceptor))
          .build();
    }

    /** An operator of this process that watches one namespace; who starts it closes it. */
    LoraxOperator startOperator(String namespace) throws IOException {
      return startOperator(namespace, operatorClient());
    }

    /** One whose requests pass through {@code interceptor}. */
    LoraxOperator startOperator(String namespace, Interceptor interceptor) throws IOException {
      return startOperator(namespace, operatorClient(interceptor));
    }

    private static LoraxOperator startOperator(String namespace, KubernetesClient client)
        throws IOException {
      return LoraxOperator.start(
          new OperatorConfig(Specs.IMAGES, Set.of(namespace), null, "test", 0, null),
          client,
          Clock.systemUTC(),
          () -> {});
    }

    private KubernetesClientBuilder operatorClientBuilder() {
      return new KubernetesClientBuilder()
          .withKubernetesSerialization(LeanObjects.serialization())
          .withConfig(new ConfigBuilder(config).withImpersonateUsername(OPERATOR).build());
    }

    /** What all clients have asked for so far. */
    AuditLog audit() {
      return audit;
    }

    /** For processes of their own. */
    public String kubeconfig() {
      return server.getKubeConfigYaml();
    }

    /** A fresh namespace for each caller; it takes pods of the Restricted profile only. */
    public synchronized String namespace() {
      String name = "test-" + ++namespaces;
      try (var client = client()) {
        client
            .resource(
                new NamespaceBuilder()
                    .withNewMetadata()
                    .withName(name)
                    .addToLabels("pod-security.kubernetes.io/enforce", "restricted")
                    .endMetadata()
                    .build())
            .create();
      }
      return name;
    }

    @Override
    public void close() {
      server.stop();
    }

    private void applyDefinition() {
      try (var client = client()) {
        var definition =
            Serialization.unmarshal(
                Objects.requireNonNull(
                    getClass().getResourceAsStream("/dev/lorax/crds/loraxservers.lorax.dev.yaml")),
                CustomResourceDefinition.class);
        client.resource(definition).create();
        client.resource(definition).waitUntilCondition(Access::established, 30, TimeUnit.SECONDS);
      }
    }

    private static boolean established(CustomResourceDefinition definition) {
      return definition != null
          && definition.getStatus() != null
          && definition.getStatus().getConditions().stream()
              .anyMatch(condition ->
                  "Established".equals(condition.getType())
                      && "True".equals(condition.getStatus()));
    }

    /** Below the module's target folder, so that it can be read after a failure. */
    private static Path emptyDirectory() {
      try {
        Path parent = Files.createDirectories(Path.of("target/api-server").toAbsolutePath());
        return Files.createTempDirectory(parent, "run-");
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private static Path policy(Path directory) {
      try {
        return Files.writeString(directory.resolve("audit-policy.yaml"), AuditLog.POLICY);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private static Path directory() {
      String directory = System.getProperty(DIRECTORY, System.getenv().getOrDefault(DIRECTORY, ""));
      if (directory.isEmpty() || !Files.isDirectory(Path.of(directory, "k8s"))) {
        throw new IllegalStateException(
            DIRECTORY
                + ": expected a directory made by `lorax-cluster link DIR` (DIR/k8s/VERSION/"
                + "{etcd,kube-apiserver,kubectl}), got '"
                + directory
                + "'; `./lorax test` makes one");
      }
      return Path.of(directory).toAbsolutePath();
    }
  }
}
