package dev.lorax.launcher.config;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParseResult;

/** The command line of the launcher, with the environment as its default. */
@Command(name = "lorax-launcher")
public final class LauncherArguments {

  @Mixin ModelArguments model = new ModelArguments();
  @Mixin AdapterArguments adapters = new AdapterArguments();
  @Mixin ShardArguments shards = new ShardArguments();
  @Mixin RouterArguments router = new RouterArguments();
  @Mixin PlaceArguments place = new PlaceArguments();
  @Mixin RestartArguments restarts = new RestartArguments();
  @Mixin Questions questions = new Questions();

  private LauncherArguments() {}

  /** Of a line that says nothing. */
  static LauncherArguments withDefaults() {
    return new LauncherArguments();
  }

  /** Options that ask the launcher something instead of starting it. */
  static final class Questions {

    @Option(
        names = {"-e", "--env"},
        description = "Print versions, devices and limits of this machine, for a bug report.")
    boolean env;

    @Option(
        names = {"-h", "--help"},
        usageHelp = true,
        description = "Print this help.")
    boolean help;

    @Option(
        names = {"-V", "--version"},
        versionHelp = true,
        description = "Print the version.")
    boolean version;
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
    CommandLine commandLine = commandLine(arguments);
    ParseResult parsed = commandLine.parseArgs(words(line));
    List<String> more = environment.wordsFor(parsed);
    if (!more.isEmpty()) {
      parsed = commandLine.parseArgs(words(Stream.concat(line.stream(), more.stream()).toList()));
    }
    var problems = new Problems(environment.taken());
    var stores = new RemoteStores(environment, home, problems);
    if (arguments.questions.help) {
      return new Parsed.Print(HelpText.of(commandLine.getCommandSpec()));
    }
    if (arguments.questions.version) {
      return new Parsed.Print("lorax-launcher %s\n".formatted(LauncherConfig.VERSION));
    }
    if (arguments.questions.env) {
      return new Parsed.Describe(
          stores.hubCache(arguments.model.cache, arguments.usualCache(home)));
    }
    new ParseProblems(problems).add(parsed.errors());
    UpstreamOptions.refuse(parsed, problems);
    LauncherConfig config = arguments.toConfig(environment, stores, home, problems);
    if (!problems.sentences().isEmpty()) {
      throw new ArgumentException(problems, arguments.place.terminationLog);
    }
    return new Parsed.Run(config, environment.ignored());
  }

  private static String[] words(List<String> line) {
    return line.toArray(String[]::new);
  }

  static CommandLine commandLine(LauncherArguments arguments) {
    var commandLine =
        new CommandLine(arguments)
            .setCaseInsensitiveEnumValuesAllowed(true)
            // An id or a secret is taken as it is written, whatever it starts with or contains.
            .setExpandAtFiles(false)
            .setInterpolateVariables(false)
            .registerConverter(Duration.class, new DurationConverter())
            .registerConverter(LauncherConfig.ShardPlacement.class, new ShardPlacementConverter());
    commandLine.getCommandSpec().parser().collectErrors(true);
    UpstreamOptions.addTo(commandLine.getCommandSpec());
    return commandLine;
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
    place.check(count, router.port, shards.masterPort, problems);
    restarts.check(problems);
    return new LauncherConfig(
        model.toConfig(stores, usualCache(home), adapters.known()),
        shards.toConfig(count, adapters, model.trustRemoteCode),
        router.toConfig(adapters.sourceOfRequests(), problems),
        place.toConfig(),
        restarts.toConfig());
  }
}
