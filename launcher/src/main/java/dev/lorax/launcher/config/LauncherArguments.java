package dev.lorax.launcher.config;

import dev.lorax.launcher.config.LauncherConfig.PlaceConfig;
import dev.lorax.launcher.config.LauncherConfig.ProcessHostKind;
import dev.lorax.launcher.config.LauncherConfig.RestartConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The command line of the launcher, with the environment as its default. */
@Command(
    name = "lorax-launcher",
    description = "Prepares a model, starts shards and router, watches them and stops them.",
    sortOptions = false,
    mixinStandardHelpOptions = true,
    version = "lorax-launcher " + LauncherConfig.VERSION,
    footer = {
      "",
      "Every option is also an environment variable: --max-best-of is MAX_BEST_OF.",
      "Exit codes: 0 stopped, 1 failed, 2 wrong arguments."
    })
public final class LauncherArguments {

  @Mixin private ModelArguments model = new ModelArguments();
  @Mixin private ShardArguments shards = new ShardArguments();
  @Mixin private RouterArguments router = new RouterArguments();
  @Mixin private PlaceArguments place = new PlaceArguments();

  private LauncherArguments() {}

  /**
   * A checked configuration, or the text that was asked for instead.
   *
   * @param remarks variables that are set but have no effect
   */
  public sealed interface Parsed {
    record Run(LauncherConfig config, Map<String, String> remarks) implements Parsed {}

    record Print(String text) implements Parsed {}
  }

  /** Throws with all problems at once. */
  public static Parsed parse(List<String> line, Map<String, String> variables, Path home)
      throws ArgumentException {
    var environment = new Environment(variables);
    var arguments = new LauncherArguments();
    CommandLine commandLine = commandLine(arguments, environment);
    var parsed = commandLine.parseArgs(line.toArray(String[]::new));
    if (commandLine.isUsageHelpRequested()) {
      return new Parsed.Print(commandLine.getUsageMessage());
    }
    if (commandLine.isVersionHelpRequested()) {
      return new Parsed.Print("lorax-launcher %s\n".formatted(LauncherConfig.VERSION));
    }
    List<String> problems = new ArrayList<>(parseProblems(parsed.errors()));
    LauncherConfig config = arguments.toConfig(environment, home, problems);
    if (!problems.isEmpty()) {
      throw new ArgumentException(problems);
    }
    return new Parsed.Run(config, remarks(environment));
  }

  private static CommandLine commandLine(LauncherArguments arguments, Environment environment) {
    var commandLine =
        new CommandLine(arguments)
            .setDefaultValueProvider(environment)
            .setCaseInsensitiveEnumValuesAllowed(true)
            .registerConverter(Duration.class, new DurationConverter())
            .registerConverter(LauncherConfig.ShardPlacement.class, new ShardPlacementConverter());
    commandLine.getCommandSpec().parser().collectErrors(true);
    return commandLine;
  }

  private static List<String> parseProblems(List<Exception> errors) {
    List<String> problems = new ArrayList<>();
    for (var error : errors) {
      if (error instanceof UnmatchedArgumentException unmatched) {
        unmatched.getUnmatched().stream()
            .filter(argument -> argument.startsWith("-"))
            .forEach(argument -> problems.add(refusal(argument)));
      } else if (error instanceof ParameterException parameter) {
        problems.add(String.valueOf(parameter.getMessage()));
      }
    }
    return problems;
  }

  private static String refusal(String argument) {
    return UpstreamOptions.isUnsupported(argument)
        ? argument + " is an option of upstream LoRAX that this version does not support"
        : "unknown option " + argument;
  }

  private static Map<String, String> remarks(Environment environment) {
    Map<String, String> remarks = new TreeMap<>(environment.ignored());
    for (var name : UpstreamOptions.unsupportedIn(environment)) {
      remarks.put(name, "belongs to an option that this version does not support");
    }
    return remarks;
  }

  private LauncherConfig toConfig(Environment environment, Path home, List<String> problems) {
    var checks = new ArgumentChecks(problems);
    int count = ShardCount.resolve(shards.sharded, shards.numShard, environment, problems);
    ShardConfig shardConfig = shardConfig(count);
    ModelConfig modelConfig =
        modelConfig(new RemoteStores(environment, home, problems), home, shardConfig);
    checks.model(modelConfig, revisionTwice());
    checks.shards(shards, shardConfig);
    checks.router(router);
    var placeConfig = placeConfig();
    checks.place(place, placeConfig);
    return new LauncherConfig(
        modelConfig,
        shardConfig,
        routerConfig(checks),
        placeConfig,
        new RestartConfig(
            place.startupTimeout,
            place.heartbeatTimeout,
            place.stepTimeout,
            place.drainTimeout,
            place.maxRestarts,
            place.restartWindow,
            place.restartBackoff));
  }

  private boolean inPod() {
    return place.processHost == ProcessHostKind.POD;
  }

  private ModelConfig modelConfig(RemoteStores stores, Path home, ShardConfig shardConfig) {
    Path usual = inPod() ? Path.of("/data") : home.resolve(".cache/lorax/models");
    Path cache = model.cache != null ? model.cache : stores.hubCache();
    boolean onDisk = Files.exists(Path.of(model.modelId));
    int at = onDisk || model.source == Source.LOCAL ? -1 : model.modelId.lastIndexOf('@');
    Set<AdapterReference> adapters = new LinkedHashSet<>();
    if (shardConfig.staticAdapter() != null) {
      adapters.add(shardConfig.staticAdapter());
    }
    adapters.addAll(shardConfig.preloadedAdapters());
    return new ModelConfig(
        at < 0 ? model.modelId : model.modelId.substring(0, at),
        at < 0 ? model.revision : model.modelId.substring(at + 1),
        onDisk ? Source.LOCAL : model.source,
        (cache == null ? usual : cache).toAbsolutePath(),
        model.weightsCacheOverride,
        List.copyOf(adapters),
        stores.hub(),
        stores.s3(),
        model.downloadOnly);
  }

  private boolean revisionTwice() {
    return model.revision != null
        && model.modelId.contains("@")
        && !Files.exists(Path.of(model.modelId));
  }

  private Source adapterSource() {
    if (shards.adapterSource != null) {
      return shards.adapterSource;
    }
    return shards.adapterRoots.isEmpty() ? Source.HUB : Source.LOCAL;
  }

  private ShardConfig shardConfig(int count) {
    Source source = adapterSource();
    Source preloaded =
        shards.preloadedAdapterSource == null ? source : shards.preloadedAdapterSource;
    return new ShardConfig(
        count,
        shards.device,
        shards.dtype,
        model.trustRemoteCode,
        source,
        shards.adapterId == null ? null : AdapterReference.parse(shards.adapterId, source),
        shards.preloadedAdapterIds.stream()
            .map(id -> AdapterReference.parse(id, preloaded))
            .toList(),
        shards.adapterRoots.stream().map(Path::toAbsolutePath).toList(),
        shards.adapterMemoryFraction,
        shards.masterAddress,
        shards.masterPort);
  }

  private RouterConfig routerConfig(ArgumentChecks checks) {
    return new RouterConfig(
        checks.address("--hostname", router.hostname),
        router.port,
        router.maxConcurrentRequests,
        router.maxBestOf,
        router.maxStopSequences,
        router.maxInputLength,
        router.maxTotalTokens,
        router.waitingServedRatio,
        router.maxBatchPrefillTokens,
        router.maxBatchTotalTokens,
        router.maxWaitingTokens,
        router.maxActiveAdapters,
        router.adapterCycleTimeSeconds,
        router.validationWorkers,
        shards.defaultAdapterSource == null ? adapterSource() : shards.defaultAdapterSource);
  }

  private PlaceConfig placeConfig() {
    Path sockets = inPod() ? Path.of("/run/lorax") : Path.of("/tmp/lorax-server");
    return new PlaceConfig(
        place.processHost,
        place.shardPlacement,
        (place.shardUdsPath == null ? sockets : place.shardUdsPath).toAbsolutePath(),
        place.agentDirectory.toAbsolutePath(),
        place.statusPort == null ? (inPod() ? 9000 : 0) : place.statusPort,
        place.jsonOutput,
        place.logLevel,
        place.terminationLog);
  }
}
