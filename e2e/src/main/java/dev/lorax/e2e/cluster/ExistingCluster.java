package dev.lorax.e2e.cluster;

import static java.util.stream.Collectors.joining;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

/** A cluster of the person's own, reached through a context of their kubeconfig; never removed. */
final class ExistingCluster implements Cluster {

  private final String context;
  private final SearchPath programs;

  ExistingCluster(String context, SearchPath programs) {
    this.context = context;
    this.programs = programs;
    if (!answers()) {
      throw new ClusterUnavailable(
          """
          no cluster answers in the context '%s': try kubectl --context %s get nodes; \
          kubectl config get-contexts lists what there is\
          """
              .formatted(context, context));
    }
  }

  @Override
  public Command kubectl() {
    Path program = programs.require("kubectl", "to speak to the cluster of a context");
    return Command.of(program.toString(), "--context", context);
  }

  @Override
  public Command helm() {
    Path program = programs.require("helm", "to install the operator");
    return Command.of(program.toString(), "--kube-context", context);
  }

  @Override
  public List<String> shellSetup() {
    return List.of();
  }

  @Override
  public String kubectlInShell() {
    return "kubectl --context " + context;
  }

  @Override
  public KubernetesClient connect() {
    return new KubernetesClientBuilder().withConfig(Config.autoConfigure(context)).build();
  }

  /** How images come to the nodes of a foreign cluster cannot be known from here. */
  @Override
  public String loadImages(List<Path> archives, Consumer<String> progress) {
    return "left to you: its nodes must have those of these archives (kind load image-archive FILE,"
        + " minikube image load FILE), or be able to pull them: "
        + archives.stream().map(Path::toString).collect(joining(" "));
  }
}
