package dev.lorax.e2e.cluster;

import static java.util.stream.Collectors.joining;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * A command line with what its process inherits in addition to this one's environment. Immutable.
 */
public record Command(List<String> words, Map<String, String> environment) {

  private static final int TAIL_LINES = 20;
  private static final Duration PIPE_GRACE = Duration.ofSeconds(2);

  public Command {
    words = List.copyOf(words);
    environment = Map.copyOf(environment);
  }

  public static Command of(String... words) {
    return new Command(List.of(words), Map.of());
  }

  /** The same command with more words at its end. */
  public Command with(String... more) {
    return new Command(Stream.concat(words.stream(), Stream.of(more)).toList(), environment);
  }

  /** The same command with one more variable in its environment. */
  public Command withEnvironment(String name, String value) {
    Map<String, String> extended = new HashMap<>(environment);
    extended.put(name, value);
    return new Command(words, extended);
  }

  /**
   * Runs to its end and returns what it printed on standard output.
   *
   * @throws CommandFailed if it ends with another status than 0 or not before the deadline
   */
  public String run(Duration deadline) {
    return run(deadline, _ -> {});
  }

  /** As {@link #run(Duration)}; each line, also of standard error, goes to the consumer at once. */
  public String run(Duration deadline, Consumer<String> lines) {
    Process process = start();
    List<String> errors = new CopyOnWriteArrayList<>();
    List<String> output = new CopyOnWriteArrayList<>();
    Thread readingErrors = read(process.errorReader(), errors, lines);
    Thread readingOutput = read(process.inputReader(), output, lines);
    awaitEnd(process, deadline);
    join(readingErrors);
    join(readingOutput);
    if (process.exitValue() != 0) {
      throw failed("ended with status " + process.exitValue(), errors.isEmpty() ? output : errors);
    }
    return output.stream().map(line -> line + "\n").collect(joining());
  }

  /** Starts the process; the caller owns it. */
  public Process start() {
    var builder = new ProcessBuilder(words);
    builder.environment().putAll(environment);
    try {
      Process process = builder.start();
      process.outputWriter().close();
      return process;
    } catch (IOException e) {
      throw new CommandFailed("could not start " + words.getFirst() + ": " + e.getMessage());
    }
  }

  private void awaitEnd(Process process, Duration deadline) {
    try {
      if (!process.waitFor(deadline.toMillis(), TimeUnit.MILLISECONDS)) {
        process.destroyForcibly().waitFor();
        throw failed("did not end within " + deadline.toSeconds() + " s", List.of());
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
      throw failed("was interrupted", List.of());
    }
  }

  private CommandFailed failed(String how, List<String> said) {
    List<String> last = said.subList(Math.max(0, said.size() - TAIL_LINES), said.size());
    return new CommandFailed(
        "%s %s:%n%s".formatted(String.join(" ", words), how, String.join("\n", last)).strip());
  }

  private static Thread read(BufferedReader reader, List<String> kept, Consumer<String> lines) {
    return Thread.ofPlatform()
        .daemon()
        .start(() -> {
          try (reader) {
            reader
                .lines()
                .forEach(line -> {
                  kept.add(line);
                  lines.accept(line);
                });
          } catch (IOException | UncheckedIOException e) {
            // The stream ends with the process; what it said so far has been handed on.
            lines.accept("(output ended early: " + e.getMessage() + ")");
          }
        });
  }

  private static void join(Thread thread) {
    try {
      // A process that was left behind may hold the pipe open: what matters has been read by then.
      thread.join(PIPE_GRACE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
