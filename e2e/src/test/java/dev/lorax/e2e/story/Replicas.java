package dev.lorax.e2e.story;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The replicas of a server, and what makes them go and come. */
final class Replicas {

  /** A change that only an operator brings about, and no pod notices. */
  static final String NO_BUDGET = "{\"spec\": {\"disruptionBudget\": {\"mode\": \"None\"}}}";

  /** Takes that back. */
  static final String OWN_BUDGET = "{\"spec\": {\"disruptionBudget\": null}}";

  /**
   * For a replica that starts beside a load, and one that stops, which finishes its streams first,
   * and on a busy machine takes its time over them.
   */
  private static final Duration DEADLINE = Duration.ofMinutes(6);

  private final World world;
  private final String server;

  Replicas(World world, String server) {
    this.world = world;
    this.server = server;
  }

  /** The label by which the objects of the server are found. */
  String selector() {
    return "app.kubernetes.io/instance=" + server;
  }

  /** Names of all pods, those included that stop. */
  List<String> names() {
    return world.server(server).pods().stream()
        .map(pod -> pod.getMetadata().getName())
        .sorted()
        .toList();
  }

  /** Asks for that many. */
  void scale(int replicas) {
    world.kubectl("scale", "loraxserver", server, "--replicas=" + replicas);
  }

  /** Changes the server by a merge patch. */
  void patch(String change) {
    world.kubectl("patch", "loraxserver", server, "--type=merge", "-p", change);
  }

  /** Waits until it holds, as long as replicas may take to come and go. */
  void eventually(Runnable assertion) {
    await().atMost(DEADLINE).untilAsserted(assertion::run);
  }

  /** Waits until the server is ready, and of these pods none is left but that many others. */
  void awaitOthers(List<String> before, int replicas) {
    world.awaitReady(server);
    eventually(() -> assertThat(names()).hasSize(replicas).doesNotContainAnyElementsOf(before));
  }

  /**
   * Drains their node of all replicas, one after the other as the disruption budget lets them go,
   * and waits until as many others are there.
   */
  void drainTheirNode() throws InterruptedException {
    List<String> before = names();
    String node = world.server(server).pods().getFirst().getSpec().getNodeName();
    Process drain =
        world
            .kubectlCommand()
            .with("drain", node, "--pod-selector=" + selector())
            .with("--ignore-daemonsets", "--delete-emptydir-data")
            .start();
    try {
      eventually(() -> assertThat(names()).isNotEqualTo(before));
    } finally {
      // There is no other node that the replicas could go to.
      world.kubectl("uncordon", node);
    }
    assertThat(drain.waitFor(2 * DEADLINE.toSeconds(), TimeUnit.SECONDS)).isTrue();
    assertThat(drain.exitValue()).isZero();
    awaitOthers(before, before.size());
  }
}
