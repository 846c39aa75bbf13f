package dev.lorax.operator;

import dev.lorax.operator.server.manifest.Labels;
import dev.lorax.operator.server.plan.PodLayout;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.ContainerStatusBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.PodSpecBuilder;
import io.fabric8.kubernetes.api.model.PodStatusBuilder;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.util.Map;

/** A pod of a server with a status as kubelet would write it, where there is no kubelet. */
final class TestingPod {

  private static final String DEFAULT_NAME = "demo-pod";
  private static final String LOOPBACK = "127.0.0.1";

  private final KubernetesClient client;
  private final String namespace;
  private final String server;
  private final String name;

  TestingPod(KubernetesClient client, String namespace, String server) {
    this(client, namespace, server, DEFAULT_NAME);
  }

  TestingPod(KubernetesClient client, String namespace, String server, String name) {
    this.client = client;
    this.namespace = namespace;
    this.server = server;
    this.name = name;
  }

  /** Makes the pod from the template of the server's Deployment. */
  TestingPod create() {
    return create(PodLayout.STATUS_PORT);
  }

  /** As {@link #create()}, with a launcher that answers at this port of this machine. */
  TestingPod create(int statusPort) {
    return create(statusPort, PodLayout.ROUTER_PORT);
  }

  /** As {@link #create()}, with a launcher and a router that answer at ports of this machine. */
  TestingPod create(int statusPort, int routerPort) {
    var deployment =
        client.resources(Deployment.class).inNamespace(namespace).withName(server).get();
    PodSpec spec = withPorts(deployment.getSpec().getTemplate().getSpec(), statusPort, routerPort);
    Map<String, String> labels = deployment.getSpec().getTemplate().getMetadata().getLabels();
    if (!server.equals(labels.get(Labels.INSTANCE))) {
      throw new AssertionError("template of another server: " + labels);
    }
    client
        .resource(
            new PodBuilder()
                .withNewMetadata()
                .withName(name)
                .withNamespace(namespace)
                .withLabels(labels)
                .endMetadata()
                .withSpec(spec)
                .build())
        .create();
    return this;
  }

  private static PodSpec withPorts(PodSpec template, int statusPort, int routerPort) {
    return new PodSpecBuilder(template)
        .editMatchingInitContainer(container -> container.getName().equals("launcher"))
        .editMatchingPort(named -> named.getName().equals("status"))
        .withContainerPort(statusPort)
        .endPort()
        .endInitContainer()
        .editMatchingContainer(container -> container.getName().equals("router"))
        .editMatchingPort(named -> named.getName().equals("http"))
        .withContainerPort(routerPort)
        .endPort()
        .endContainer()
        .build();
  }

  void launcherRuns() {
    write(running("launcher", false), running("shard-0", false), running("router", false), false);
  }

  void modelIsCached() {
    write(running("launcher", true), running("shard-0", false), running("router", false), false);
  }

  void shardsAreReady() {
    write(running("launcher", true), running("shard-0", true), running("router", false), false);
  }

  void routerIsReady() {
    write(running("launcher", true), running("shard-0", true), running("router", true), true);
  }

  void launcherCrashes(int exitCode, String lastWords) {
    var launcher =
        new ContainerStatusBuilder(running("launcher", false))
            .withRestartCount(3)
            .withNewState()
            .withNewWaiting("back-off 40s restarting failed container", "CrashLoopBackOff")
            .endState()
            .withNewLastState()
            .withNewTerminated()
            .withExitCode(exitCode)
            .withReason("Error")
            .withMessage(lastWords)
            .endTerminated()
            .endLastState()
            .build();
    write(launcher, running("shard-0", false), running("router", false), false);
  }

  private void write(
      ContainerStatus launcher, ContainerStatus shard, ContainerStatus router, boolean ready) {
    client
        .resources(Pod.class)
        .inNamespace(namespace)
        .withName(name)
        .editStatus(pod ->
            new PodBuilder(pod)
                .withStatus(
                    new PodStatusBuilder()
                        .withPhase("Running")
                        .withPodIP(LOOPBACK)
                        .addNewPodIP(LOOPBACK)
                        .addNewCondition()
                        .withType("Ready")
                        .withStatus(ready ? "True" : "False")
                        .endCondition()
                        .withInitContainerStatuses(launcher, shard)
                        .withContainerStatuses(router)
                        .build())
                .build());
  }

  private static ContainerStatus running(String name, boolean ready) {
    return new ContainerStatusBuilder()
        .withName(name)
        .withImage("image")
        .withImageID("")
        .withRestartCount(0)
        .withReady(ready)
        .withNewState()
        .withNewRunning()
        .endRunning()
        .endState()
        .build();
  }
}
