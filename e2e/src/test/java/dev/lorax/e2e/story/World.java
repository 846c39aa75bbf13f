package dev.lorax.e2e.story;

import dev.lorax.e2e.chat.ChatClient;
import dev.lorax.e2e.cluster.Cluster;
import dev.lorax.e2e.cluster.ClusterChoice;
import dev.lorax.e2e.cluster.Command;
import dev.lorax.e2e.cluster.PortForward;
import dev.lorax.e2e.cluster.Surroundings;
import dev.lorax.e2e.install.Installation;
import dev.lorax.e2e.install.Progress;
import dev.lorax.e2e.install.ServerRollout;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.SecretBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** A cluster with operator and model files, which all stories of a run share. */
final class World implements AutoCloseable {

  static final String NAMESPACE = "lorax-stories";

  /** The sample server, which the first story applies and the last one deletes. */
  static final String DEMO = "demo";

  /** Accelerators that a cluster of ours pretends to have. */
  static final int DEVICES = 2;

  /** The token with which private repositories of the {@link #hub} can be read. */
  static final String HUB_TOKEN = "hf_a-token-that-must-stay-secret";

  /** A process that starts on a machine that has other things to do. */
  static final Duration OPERATOR_DEADLINE = Duration.ofMinutes(4);

  private static final List<String> OPERATOR_VALUES =
      List.of("metricsApi.enabled=true", "resources.requests.cpu=100m");
  private static final String HUB_PACKAGE = "dev.lorax.launcher.testing.hub";
  private static final String SAMPLE = "docs/samples/loraxserver-demo.yaml";
  private static final String MANIFESTS = "src/test/resources/dev/lorax/e2e/story";
  private static final Duration READY_DEADLINE = Duration.ofMinutes(8);

  private final StoryConfig config;
  private final ClusterChoice choice;
  private final Surroundings surroundings;
  private final Installation installation;
  private final List<PortForward> forwards = new CopyOnWriteArrayList<>();

  private World(
      StoryConfig config,
      ClusterChoice choice,
      Surroundings surroundings,
      Installation installation) {
    this.config = config;
    this.choice = choice;
    this.surroundings = surroundings;
    this.installation = installation;
  }

  /** Brings all of it up. What a run that was killed left behind is removed first. */
  static World create(StoryConfig config) {
    var surroundings =
        new Surroundings(
            config.repository(),
            config.module().resolve("target/cluster"),
            config.programs(),
            DEVICES,
            true);
    ClusterChoice choice =
        ClusterChoice.decide(
            config.context(), config.clusterProgram(), config.k3sImage(), surroundings, World::say);
    choice.down(surroundings, World::say);
    Cluster cluster = choice.up(surroundings, World::say);
    var installation =
        new Installation(
            cluster, cluster.connect(), config.repository(), InstantSource.system(), NAMESPACE);
    var world = new World(config, choice, surroundings, installation);
    try {
      world.furnish();
      return world;
    } catch (RuntimeException e) {
      say(world.diagnose("World"));
      world.close();
      throw e;
    }
  }

  private void furnish() {
    say("images: " + installation.cluster().loadImages(config.images(), World::say));
    say("installing the operator");
    operator();
    installation.models(changes());
    say("operator and model files are there");
  }

  /**
   * Installs the operator's chart, or upgrades it, with values that differ from those of others.
   */
  void operator(String... values) {
    installation.operator(
        Stream.concat(OPERATOR_VALUES.stream(), Stream.of(values)).toArray(String[]::new));
  }

  StoryConfig config() {
    return config;
  }

  /** Whether the cluster is made for the stories, with all that they need. */
  boolean isOurs() {
    return choice instanceof ClusterChoice.Embedded;
  }

  KubernetesClient client() {
    return installation.client();
  }

  ServerRollout server(String name) {
    return installation.server(name);
  }

  /** The sample server, applied and ready; costs nothing when it is there already. */
  Served demo() {
    installation.apply(config.repository().resolve(SAMPLE));
    return serve(DEMO);
  }

  /** Waits until a server is ready and opens a way to its Service. */
  Served serve(String name) {
    ServerRollout server = awaitReady(name);
    int port =
        client()
            .services()
            .inNamespace(NAMESPACE)
            .withName(name)
            .require()
            .getSpec()
            .getPorts()
            .getFirst()
            .getPort();
    return new Served(server, client(forward("service/" + name, port)));
  }

  ServerRollout awaitReady(String name) {
    ServerRollout server = server(name);
    Consumer<String> changes = changes();
    server.awaitReady(READY_DEADLINE, (Progress progress) -> changes.accept(progress.doing()));
    say(name + " is ready");
    return server;
  }

  /** Applies a manifest that lies beside the stories. */
  void apply(String manifest) {
    installation.apply(manifest(manifest));
  }

  Path manifest(String name) {
    return config.module().resolve(MANIFESTS).resolve(name);
  }

  /**
   * The hub of the launcher's tests as a pod, with the demo's model and adapters; costs nothing
   * when it is there already. Pods cannot reach a server on this machine, whatever the cluster is.
   */
  void hub() {
    Path classes = config.repository().resolve("launcher/target/test-classes");
    configMap("hub-classes", Map.of(), Map.of("hub.jar", ClassesJar.of(classes, HUB_PACKAGE)));
    apply("hub.yaml");
    kubectl("wait", "--for=condition=Ready", "pod/hub", "--timeout=2m");
  }

  /** Makes a ConfigMap, or gives it other values and files. */
  void configMap(String name, Map<String, String> values, Map<String, byte[]> files) {
    var map =
        new ConfigMapBuilder()
            .withNewMetadata()
            .withName(name)
            .withNamespace(NAMESPACE)
            .endMetadata()
            .withData(values);
    files.forEach(
        (file, bytes) -> map.addToBinaryData(file, Base64.getEncoder().encodeToString(bytes)));
    client().resource(map.build()).serverSideApply();
  }

  /** Makes a Secret, or gives it other values. */
  void secret(String name, Map<String, String> values) {
    client()
        .resource(
            new SecretBuilder()
                .withNewMetadata()
                .withName(name)
                .withNamespace(NAMESPACE)
                .endMetadata()
                .withStringData(values)
                .build())
        .serverSideApply();
  }

  /** Runs kubectl in the namespace of the stories; returns what it prints. */
  String kubectl(String... words) {
    return kubectlCommand().with(words).run(Duration.ofMinutes(3));
  }

  /** What autoscalers are told about the pods of the stories. */
  String podMetric(String name) {
    return kubectl(
        "get",
        "--raw",
        "/apis/custom.metrics.k8s.io/v1beta2/namespaces/%s/pods/*/%s".formatted(NAMESPACE, name));
  }

  /** Runs helm in the namespace of the operator; returns what it prints. */
  String helm(String... words) {
    return installation
        .cluster()
        .helm()
        .with("--namespace", Installation.OPERATOR_NAMESPACE)
        .with(words)
        .run(OPERATOR_DEADLINE);
  }

  /** All that the API server of a cluster of ours was asked for, a line of JSON each. */
  Path auditLog() {
    return surroundings.state().resolve("logs/audit.jsonl");
  }

  Command kubectlCommand() {
    return installation.cluster().kubectl().with("--namespace", NAMESPACE);
  }

  /** A way to a port of a pod or service, which stays open until all stories have been told. */
  PortForward forward(String target, int port) {
    var forward = PortForward.open(installation.cluster(), NAMESPACE, target, port);
    forwards.add(forward);
    return forward;
  }

  static ChatClient client(PortForward forward) {
    return new ChatClient(forward.url(), InstantSource.system());
  }

  /** Writes what the namespaces say about themselves; returns the last lines. */
  String diagnose(String story) {
    return new StoryDiagnostics(client(), config.module().resolve("target/diagnostics"))
        .write(story);
  }

  @Override
  public void close() {
    forwards.forEach(PortForward::close);
    client().close();
    choice.down(surroundings, World::say);
  }

  /** Prints what is new only: most of it is said again with each look at the cluster. */
  private static Consumer<String> changes() {
    var last = new AtomicReference<>("");
    return line -> {
      if (!line.equals(last.getAndSet(line))) {
        say(line);
      }
    };
  }

  static void say(String line) {
    System.out.println("[stories] " + line);
  }
}
