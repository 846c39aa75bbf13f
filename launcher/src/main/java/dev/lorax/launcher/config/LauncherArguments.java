package dev.lorax.launcher.config;

import dev.lorax.options.Environment;
import dev.lorax.options.Kind;
import dev.lorax.options.Option;
import dev.lorax.options.OptionGroup;
import dev.lorax.options.OptionReader;
import dev.lorax.options.Problems;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** The command line of the launcher, with the environment as its default. */
public final class LauncherArguments {

  private final ModelArguments model = new ModelArguments();
  private final AdapterArguments adapters = new AdapterArguments();
  private final ShardArguments shards = new ShardArguments();
  private final RouterArguments router = new RouterArguments();
  private final AccessArguments access = new AccessArguments();
  private final ClientArguments clients = new ClientArguments();
  private final CorsArguments cors = new CorsArguments();
  private final PlaceArguments place = new PlaceArguments();
  private final RestartArguments restarts = new RestartArguments();
  private final Questions questions = new Questions();

  private LauncherArguments() {}

  /** Options that ask the launcher something instead of starting it. */
  private static final class Questions {

    boolean env;
    boolean help;
    boolean version;

    List<Option<?>> options() {
      return List.of(
          Option.of("--env", Kind.SWITCH, value -> env = value)
              .orShort("-e")
              .onLineOnly()
              .says("Print versions, devices and limits of this machine, for a bug report."),
          Option.help(value -> help = value),
          Option.version(value -> version = value));
    }
  }

  /** In the order of the help. */
  private List<OptionGroup> groups() {
    return List.of(
        new OptionGroup("Model", model.options()),
        new OptionGroup("Adapters", adapters.options()),
        new OptionGroup("Shards", shards.options()),
        new OptionGroup("Router", router.options()),
        new OptionGroup("API keys and certificates", access.options()),
        new OptionGroup("Slow clients", clients.options()),
        new OptionGroup("Pages of other origins", cors.options()),
        new OptionGroup("Processes and logs", place.options()),
        new OptionGroup("Deadlines and restarts", restarts.options()),
        new OptionGroup("Questions", questions.options()));
  }

  /** With the defaults of a line that says nothing. */
  static List<OptionGroup> offered() {
    return new LauncherArguments().groups();
  }

  /**
   * What the line asks for.
   *
   * @param remarks variables that are set but have no effect
   */
  public sealed interface Parsed {
    record Run(LauncherConfig config, Map<String, String> remarks) implements Parsed {}

    record Print(String text) implements Parsed {}

    /** Describe the machine, with the disk that {@code cache} is on. */
    record Describe(Path cache) implements Parsed {}
  }

  /** Throws with all problems at once. */
  public static Parsed parse(List<String> line, Map<String, String> variables, Path home)
      throws ArgumentException {
    var environment = new Environment(variables);
    var arguments = new LauncherArguments();
    List<OptionGroup> groups = arguments.groups();
    List<Option<?>> known = OptionGroup.options(groups);
    known.addAll(UpstreamOptions.options());
    var reader = new OptionReader(known);
    reader.read(line);
    reader.read(environment);
    var problems = new Problems(environment.taken());
    var stores = new RemoteStores(environment, home, problems);
    if (arguments.questions.help) {
      return new Parsed.Print(LauncherHelp.of(groups));
    }
    if (arguments.questions.version) {
      return new Parsed.Print("lorax-launcher %s\n".formatted(LauncherConfig.VERSION));
    }
    if (arguments.questions.env) {
      return new Parsed.Describe(
          stores.hubCache(arguments.model.cache, arguments.usualCache(home)));
    }
    reader.tell(problems);
    UpstreamOptions.refuse(reader, problems);
    LauncherConfig config = arguments.toConfig(environment, stores, home, problems);
    if (!problems.sentences().isEmpty()) {
      throw new ArgumentException(problems, arguments.place.terminationLog);
    }
    return new Parsed.Run(config, environment.ignored());
  }

  private Path usualCache(Path home) {
    return place.inPod() ? Path.of("/data") : home.resolve(".cache/lorax/models");
  }

  private LauncherConfig toConfig(
      Environment environment, RemoteStores stores, Path home, Problems problems) {
    int count = ShardCount.resolve(shards, environment, problems);
    model.check(problems);
    adapters.check(problems);
    shards.check(adapters, problems);
    router.check(problems);
    access.check(problems);
    clients.check(problems);
    cors.check(problems);
    place.check(count, router.port, shards.masterPort, problems);
    restarts.check(problems);
    return new LauncherConfig(
        model.toConfig(stores, usualCache(home), adapters.known()),
        shards.toConfig(count, adapters, model.trustRemoteCode),
        router.toConfig(
            adapters.sourceOfRequests(), access.toConfig(), clients.toConfig(), cors.toConfig()),
        place.toConfig(),
        restarts.toConfig());
  }
}
