package dev.lorax.router.config;

import dev.lorax.options.Environment;
import dev.lorax.options.Option;
import dev.lorax.options.OptionGroup;
import dev.lorax.options.OptionReader;
import dev.lorax.options.Problems;
import dev.lorax.router.batching.BatchLimits;
import dev.lorax.router.http.HttpSettings;
import dev.lorax.router.http.ServerFacts;
import dev.lorax.router.request.RequestLimits;
import dev.lorax.router.shard.WarmupPlan;
import java.util.List;
import java.util.Map;

/** The command line of the router, with the environment as its default. */
public final class RouterArguments {
  private final ModelArguments model = new ModelArguments();
  private final ServerArguments server = new ServerArguments();
  private final CorsArguments cors = new CorsArguments();
  private final RequestArguments requests = new RequestArguments();
  private final BatchArguments batches = new BatchArguments();
  private final AdapterArguments adapters = new AdapterArguments();
  private boolean help;
  private boolean version;

  private RouterArguments() {}

  /** In the order of the help. */
  private List<OptionGroup> groups() {
    return List.of(
        new OptionGroup("Model", model.options()),
        new OptionGroup("Server", server.options()),
        new OptionGroup("Pages of other origins", cors.options()),
        new OptionGroup("Requests", requests.options()),
        new OptionGroup("Batches", batches.options()),
        new OptionGroup("Adapters", adapters.options()),
        new OptionGroup("Questions", questions()));
  }

  private List<Option<?>> questions() {
    return List.of(Option.help(value -> help = value), Option.version(value -> version = value));
  }

  /** With the defaults of a line that says nothing. */
  static List<OptionGroup> offered() {
    return new RouterArguments().groups();
  }

  /** What the line asks for. */
  public sealed interface Parsed {
    /**
     * @param options those in effect, for people
     * @param remarks variables that are set but have no effect
     */
    record Run(RouterConfig config, String options, Map<String, String> remarks)
        implements Parsed {}

    record Print(String text) implements Parsed {}

    record Wrong(List<String> problems) implements Parsed {}
  }

  public static Parsed parse(List<String> line, Map<String, String> variables) {
    var arguments = new RouterArguments();
    List<OptionGroup> groups = arguments.groups();
    var environment = new Environment(variables);
    var reader = new OptionReader(OptionGroup.options(groups));
    reader.read(line);
    reader.read(environment);
    if (arguments.help) {
      return new Parsed.Print(RouterHelp.of(groups));
    }
    if (arguments.version) {
      return new Parsed.Print("lorax-router %s\n".formatted(RouterConfig.VERSION));
    }
    var problems = new Problems(environment.taken());
    reader.tell(problems);
    arguments.check(reader, problems);
    List<String> sentences = problems.sentences();
    return sentences.isEmpty()
        ? new Parsed.Run(arguments.toConfig(), reader.inEffect(), environment.ignored())
        : new Parsed.Wrong(sentences);
  }

  private void check(OptionReader line, Problems problems) {
    model.check(line, problems);
    server.check(problems);
    cors.check(problems);
    requests.check(problems);
    batches.check(requests, problems);
    adapters.check(problems);
  }

  private RouterConfig toConfig() {
    RequestLimits limits = requests.toLimits(adapters.source);
    WarmupPlan warmup = batches.toWarmup(limits);
    BatchLimits batch = batches.toLimits();
    return new RouterConfig(
        server.firstShardSocket,
        model.directory,
        new HttpSettings(
            server.toAddress(), server.toTls(), cors.toCrossOrigin(), server.toClientPatience()),
        new ServerFacts(
            model.shownId(),
            model.revision,
            limits,
            batch,
            model.validationWorkers,
            RouterConfig.VERSION),
        batch,
        adapters.toLimits(),
        warmup,
        requests.maxQueueTokens,
        server.apiKeysFile,
        server.toPatience(),
        server.otlpEndpoint,
        server.jsonOutput);
  }
}
