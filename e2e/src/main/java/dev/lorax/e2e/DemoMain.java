package dev.lorax.e2e;

import dev.lorax.e2e.cluster.SearchPath;
import dev.lorax.e2e.demo.Demo;
import dev.lorax.e2e.demo.DemoConfig;
import dev.lorax.e2e.demo.Removal;
import dev.lorax.e2e.demo.Terminal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The entry point of {@code lorax-e2e.jar}; {@code ./lorax demo} calls it once all is built. */
@Command(
    name = "lorax-e2e",
    description = "The demo on a real Kubernetes.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND")
public final class DemoMain {

  private DemoMain() {}

  public static void main(String[] arguments) {
    var commandLine = new CommandLine(new DemoMain());
    commandLine.addSubcommand(new DemoCommand(System.getenv()));
    commandLine.setExecutionExceptionHandler((failure, command, _) -> {
      command.getErr().println(describe(failure));
      return 1;
    });
    System.exit(commandLine.execute(arguments));
  }

  /**
   * All messages of the chain of causes; a stack trace helps nobody who only wants to see the demo.
   */
  private static String describe(Throwable failure) {
    List<String> messages = new ArrayList<>();
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      String message = Objects.requireNonNullElse(cause.getMessage(), cause.getClass().getName());
      if (messages.stream().noneMatch(said -> said.contains(message))) {
        messages.add(message);
      }
    }
    return "the demo failed: " + String.join(": ", messages);
  }

  @Command(
      name = "demo",
      description = "Run the demo, or remove it.",
      mixinStandardHelpOptions = true)
  private static final class DemoCommand implements Callable<Integer> {

    private final Map<String, String> environment;

    @Spec @Nullable CommandSpec spec;

    @Option(names = "--repository", required = true, description = "The checkout.")
    @Nullable Path repository;

    @Option(
        names = "--images",
        split = ",",
        description = "Archives (docker-archive) of the images, separated by commas.")
    List<Path> images = List.of();

    @Option(
        names = "--cluster-program",
        description = "The embedded Kubernetes to use, as printed by e2e/cluster/build.sh.")
    @Nullable Path clusterProgram;

    @Option(
        names = "--k3s-image",
        description = "The k3s to start in Docker, for machines without a public registry.")
    @Nullable String k3sImage;

    @Option(
        names = "--context",
        description = "A context of your kubeconfig to use instead of a cluster of its own.")
    @Nullable String context;

    @Option(names = "--down", description = "Remove everything that the demo made.")
    boolean down;

    @Option(names = "--step-offset", description = "Steps that the caller has taken.")
    int stepOffset;

    @Option(names = "--steps", description = "Steps in all.")
    int steps = Demo.STEPS;

    DemoCommand(Map<String, String> environment) {
      this.environment = environment;
    }

    @Override
    public Integer call() throws InterruptedException {
      if (!down) {
        checkImages();
      }
      Terminal terminal = Terminal.detect();
      if (down) {
        new Removal(config(), terminal, InstantSource.system()).run();
      } else {
        new Demo(config(), terminal, InstantSource.system()).run();
      }
      return 0;
    }

    private void checkImages() {
      List<Path> missing = images.stream().filter(image -> !Files.exists(image)).toList();
      if (images.isEmpty() || !missing.isEmpty()) {
        throw new CommandLine.ParameterException(
            Objects.requireNonNull(spec).commandLine(),
            "--images must name the archives that images/build.py prints, got "
                + (images.isEmpty() ? "none" : "these, which do not exist: " + missing));
      }
    }

    private DemoConfig config() {
      return new DemoConfig(
          Objects.requireNonNull(repository).toAbsolutePath().normalize(),
          stateHome().resolve("lorax/demo"),
          context,
          clusterProgram,
          k3sImage,
          images,
          SearchPath.parse(environment.getOrDefault("PATH", "")),
          stepOffset,
          steps);
    }

    private Path stateHome() {
      String given = environment.getOrDefault("XDG_STATE_HOME", "");
      return given.isEmpty()
          ? Path.of(System.getProperty("user.home"), ".local", "state")
          : Path.of(given);
    }
  }
}
