package dev.lorax.e2e.demo;

import dev.lorax.e2e.chat.ChatClient;
import dev.lorax.e2e.chat.DemoPrompts;
import dev.lorax.e2e.cluster.Cluster;
import dev.lorax.e2e.cluster.ClusterChoice;
import dev.lorax.e2e.cluster.ClusterUnavailable;
import dev.lorax.e2e.install.Diagnosis;
import dev.lorax.e2e.install.Installation;
import dev.lorax.e2e.install.Poll;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.stream.Stream;

/** From nothing to four streamed answers, each step harmless when a demo runs already. */
public final class Demo {

  static final String NAMESPACE = "lorax-demo";

  /** Steps of this class, for callers that number theirs together with them. */
  public static final int STEPS = 6;

  private static final String SERVER = "demo";
  private static final String SAMPLE = "docs/samples/loraxserver-demo.yaml";
  private static final Duration READY_DEADLINE = Duration.ofMinutes(15);
  private static final Duration FORWARD_DEADLINE = Duration.ofSeconds(30);

  private final DemoConfig config;
  private final Terminal terminal;
  private final InstantSource clock;
  private final Steps steps;

  public Demo(DemoConfig config, Terminal terminal, InstantSource clock) {
    this.config = config;
    this.terminal = terminal;
    this.clock = clock;
    this.steps = new Steps(terminal, clock, config.stepOffset(), config.steps());
  }

  public void run() throws InterruptedException {
    Cluster cluster = cluster();
    images(cluster);
    try (KubernetesClient client = cluster.connect()) {
      var installation = new Installation(cluster, client, config.repository(), clock, NAMESPACE);
      try {
        operator(installation);
        models(installation);
        server(installation);
        LastingForward forward = forward(cluster);
        answers(forward);
        new Closing(cluster, NAMESPACE, SERVER, forward.url()).lines().forEach(terminal::line);
      } catch (RuntimeException e) {
        explain(client);
        throw e;
      }
    }
  }

  private Cluster cluster() {
    try (Step step = steps.begin("Kubernetes")) {
      ClusterChoice choice =
          ClusterChoice.decide(
              config.context(),
              config.clusterProgram(),
              config.k3sImage(),
              config.surroundings(),
              step::doing);
      DemoState state =
          DemoState.read(config.state())
              .orElseGet(() -> new DemoState(choice, false, null).write(config.state()));
      if (!state.cluster().getClass().equals(choice.getClass())
          || choice instanceof ClusterChoice.Existing && !state.cluster().equals(choice)) {
        throw new ClusterUnavailable(
            "a demo was started on %s already: remove it with ./lorax demo --down first"
                .formatted(state.cluster().description()));
      }
      Cluster cluster = choice.up(config.surroundings(), step::doing);
      step.done(choice.description() + " is up");
      return cluster;
    }
  }

  private void images(Cluster cluster) {
    try (Step step = steps.begin("images")) {
      step.doing("loading %d images into the node".formatted(config.images().size()));
      step.done(cluster.loadImages(config.images(), step::doing));
    }
  }

  private void operator(Installation installation) {
    try (Step step = steps.begin("operator")) {
      DemoState state = state();
      boolean ours = state.operatorIsOurs() || !installation.isInstalled();
      if (ours) {
        state.withOperator(true).write(config.state());
        step.doing("installing the Helm chart");
        installation.operator();
      }
      step.done(ours ? "installed" : "the cluster has one, which is left as it is");
    }
  }

  private void models(Installation installation) {
    try (Step step = steps.begin("model files")) {
      installation.models(step::doing);
      step.done("the volume holds the model and three adapters");
    }
  }

  private void server(Installation installation) {
    try (Step step = steps.begin("LoraxServer " + SERVER)) {
      installation.apply(config.repository().resolve(SAMPLE));
      installation
          .server(SERVER)
          .awaitReady(READY_DEADLINE, progress -> step.doing(progress.doing(), progress.left()));
      step.done("ready");
    }
  }

  private LastingForward forward(Cluster cluster) {
    DemoState state = state();
    LastingForward running = state.forward();
    if (running == null || !running.isAlive()) {
      running =
          LastingForward.start(
              cluster.kubectl(), NAMESPACE, SERVER, config.state().resolve("forward.log"));
      state.withForward(running).write(config.state());
    }
    return running;
  }

  private void answers(LastingForward forward) throws InterruptedException {
    var client = new ChatClient(forward.url(), clock);
    try (Step step = steps.begin("answers")) {
      step.doing("connecting to " + forward.url());
      awaitAnswer(client);
      step.done("four at once from " + forward.url());
    }
    var questions =
        DemoPrompts.showcase(config.repository()).stream().map(DemoPrompts.Check::question);
    new Showcase(terminal, client, questions.toList()).run();
  }

  /** The forward needs a moment before it takes connections. */
  private void awaitAnswer(ChatClient client) {
    var poll = new Poll(FORWARD_DEADLINE, clock);
    String last = "nothing was asked";
    while (poll.next()) {
      try {
        int status = client.get("/health").statusCode();
        if (status == 200) {
          return;
        }
        last = "/health gave status " + status;
      } catch (UncheckedIOException e) {
        last = e.getMessage();
      }
    }
    throw new IllegalStateException(
        "the server does not answer through the port forward (%s); what the forward said is in %s"
            .formatted(last, config.state().resolve("forward.log")));
  }

  private DemoState state() {
    return DemoState.read(config.state()).orElseThrow();
  }

  private void explain(KubernetesClient client) {
    terminal.line("");
    Stream.of(Installation.OPERATOR_NAMESPACE, NAMESPACE)
        .flatMap(namespace -> new Diagnosis(client, namespace).shortly().stream())
        .forEach(terminal::line);
    terminal.line("");
    terminal.line(
        "The cluster stays as it is, to be looked at. Run the demo again to go on from here,"
            + " or ./lorax demo --down to remove all of it.");
  }
}
