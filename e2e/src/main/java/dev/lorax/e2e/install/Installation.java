package dev.lorax.e2e.install;

import dev.lorax.crds.v1alpha1.LoraxServer;
import dev.lorax.e2e.cluster.Cluster;
import dev.lorax.e2e.cluster.CommandFailed;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Operator, model files and servers on one cluster, each step harmless when done already.
 *
 * @param namespace where the model files and the servers live
 */
public record Installation(
    Cluster cluster,
    KubernetesClient client,
    Path repository,
    InstantSource clock,
    String namespace) {

  public static final String OPERATOR_NAMESPACE = "lorax-system";

  private static final String RELEASE = "lorax-operator";
  private static final String MODELS = "demo-models";
  private static final Duration OPERATOR_DEADLINE = Duration.ofMinutes(4);
  private static final Duration MODELS_DEADLINE = Duration.ofMinutes(4);
  private static final Duration REMOVAL_DEADLINE = Duration.ofMinutes(3);

  /**
   * Installs the operator by its Helm chart and waits until it runs.
   *
   * @param values of the chart, as {@code helm --set} takes them
   */
  public void operator(String... values) {
    restrictedNamespace(OPERATOR_NAMESPACE);
    cluster
        .helm()
        .with("upgrade", "--install", RELEASE, repository.resolve("helm/lorax-operator").toString())
        .with("--namespace", OPERATOR_NAMESPACE, "--wait", "--timeout", "3m")
        .with(Stream.of(values).flatMap(value -> Stream.of("--set", value)).toArray(String[]::new))
        .run(OPERATOR_DEADLINE);
  }

  /** Makes the claim with the demo's model and adapters and waits until the files are in it. */
  public void models(Consumer<String> progress) {
    restrictedNamespace(namespace);
    for (HasMetadata resource : load("demo-models.yaml")) {
      client.resource(resource).inNamespace(namespace).serverSideApply();
    }
    awaitModels(progress);
  }

  /** Applies a manifest as a person would. */
  public void apply(Path manifest) {
    cluster
        .kubectl()
        .with("apply", "--namespace", namespace, "--filename", manifest.toString())
        .run(Duration.ofMinutes(1));
  }

  /** The LoraxServer of this name. */
  public ServerRollout server(String name) {
    return new ServerRollout(client, clock, namespace, name);
  }

  /** Whether the operator's release is on the cluster. */
  public boolean isInstalled() {
    try {
      cluster
          .helm()
          .with("status", RELEASE, "--namespace", OPERATOR_NAMESPACE)
          .run(Duration.ofSeconds(30));
      return true;
    } catch (CommandFailed _) {
      return false;
    }
  }

  /** Deletes the namespace with its servers and model files, and waits until it is gone. */
  public void removeServers(Consumer<String> progress) {
    progress.accept("deleting the namespace " + namespace);
    deleteNamespace(namespace);
  }

  /** Uninstalls the operator; the resource type goes too unless servers of others use it. */
  public void removeOperator(Consumer<String> progress) {
    progress.accept("uninstalling the operator");
    cluster
        .helm()
        .with("uninstall", RELEASE, "--namespace", OPERATOR_NAMESPACE)
        .with("--wait", "--ignore-not-found")
        .run(REMOVAL_DEADLINE);
    deleteNamespace(OPERATOR_NAMESPACE);
    if (client.resources(LoraxServer.class).inAnyNamespace().list().getItems().isEmpty()) {
      client
          .apiextensions()
          .v1()
          .customResourceDefinitions()
          .withName(LoraxServer.PLURAL + "." + LoraxServer.GROUP)
          .delete();
    }
  }

  private void restrictedNamespace(String name) {
    Namespace labelled = (Namespace) load("namespace.yaml").getFirst();
    labelled.getMetadata().setName(name);
    client.resource(labelled).serverSideApply();
  }

  private void deleteNamespace(String name) {
    cluster
        .kubectl()
        .with("delete", "namespace", name, "--ignore-not-found", "--wait")
        .run(REMOVAL_DEADLINE);
  }

  private void awaitModels(Consumer<String> progress) {
    var poll = new Poll(MODELS_DEADLINE, clock);
    while (poll.next()) {
      Job job = client.batch().v1().jobs().inNamespace(namespace).withName(MODELS).get();
      if (job != null && job.getStatus() != null) {
        if (Objects.requireNonNullElse(job.getStatus().getSucceeded(), 0) > 0) {
          return;
        }
        if (Objects.requireNonNullElse(job.getStatus().getFailed(), 0) > 2) {
          throw new NotReady("the job " + MODELS + " that copies the model files failed");
        }
      }
      var pods = client.pods().inNamespace(namespace).withLabel("job-name", MODELS).list();
      Trouble.of(pods.getItems())
          .ifPresent(trouble -> {
            throw new NotReady("the model files cannot be copied: " + trouble);
          });
      progress.accept(pods.getItems().isEmpty() ? "waiting for the volume" : "copying the files");
    }
    throw new NotReady("the job %s did not end within %s".formatted(MODELS, MODELS_DEADLINE));
  }

  private List<HasMetadata> load(String resource) {
    try (InputStream stream = Installation.class.getResourceAsStream(resource)) {
      return client.load(Objects.requireNonNull(stream, resource)).items();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
