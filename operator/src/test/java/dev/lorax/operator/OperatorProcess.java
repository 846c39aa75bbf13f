package dev.lorax.operator;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** An operator in a process of its own, which is killed when it is closed. */
final class OperatorProcess implements AutoCloseable {

  private static final Pattern PORT = Pattern.compile("operator started.*port=\"(\\d+)\"");
  private static final String END = "(end)";

  private final Process process;
  private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();
  private final StringBuilder seen = new StringBuilder();

  private OperatorProcess(Process process) {
    this.process = process;
    Thread.ofPlatform().daemon().start(this::read);
  }

  /** Starts one with these variables; {@code directory} takes its kubeconfig. */
  static OperatorProcess start(
      TestingApiServer.Access server, Path directory, Map<String, String> environment)
      throws IOException {
    Path kubeconfig = Files.writeString(directory.resolve("kubeconfig"), server.kubeconfig());
    var builder =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                OperatorMain.class.getName())
            .redirectErrorStream(true);
    builder.environment().put("KUBECONFIG", kubeconfig.toString());
    builder.environment().put("LORAX_LOG_LEVEL", "INFO");
    builder.environment().put("LORAX_PORT", "0");
    builder.environment().putAll(environment);
    return new OperatorProcess(builder.start());
  }

  /** Waits for a line that contains this. */
  OperatorProcess awaitLine(String wanted) throws InterruptedException {
    awaitLine(Pattern.compile(Pattern.quote(wanted)));
    return this;
  }

  /** Waits until it answers at its endpoints, and reads where those are. */
  int awaitPort() throws InterruptedException {
    return Integer.parseInt(awaitLine(PORT).group(1));
  }

  static HttpResponse<String> get(int port, String path) throws IOException, InterruptedException {
    try (var client = HttpClient.newHttpClient()) {
      var request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path)).build();
      return client.send(request, BodyHandlers.ofString());
    }
  }

  /** Sends a signal, such as {@code STOP}. */
  void signal(String name) throws IOException, InterruptedException {
    var kill = new ProcessBuilder("kill", "-" + name, String.valueOf(process.pid())).start();
    if (kill.waitFor() != 0) {
      throw new AssertionError("kill -%s failed".formatted(name));
    }
  }

  /** Waits for its end and returns its exit status. */
  int awaitEnd() throws InterruptedException {
    if (!process.waitFor(60, TimeUnit.SECONDS)) {
      throw new AssertionError("operator goes on:\n" + seen);
    }
    return process.exitValue();
  }

  /** Everything that it said, once it has ended. */
  String output() throws InterruptedException {
    for (String line = lines.take(); !line.equals(END); line = lines.take()) {
      seen.append(line).append('\n');
    }
    return seen.toString();
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }

  /** A line may have come before one that was waited for earlier. */
  private Matcher awaitLine(Pattern wanted) throws InterruptedException {
    Matcher before = wanted.matcher(seen);
    if (before.find()) {
      return before;
    }
    for (String line = next(wanted); !line.equals(END); line = next(wanted)) {
      seen.append(line).append('\n');
      Matcher found = wanted.matcher(line);
      if (found.find()) {
        return found;
      }
    }
    throw new AssertionError("operator ended without '%s':%n%s".formatted(wanted, seen));
  }

  private String next(Pattern wanted) throws InterruptedException {
    String line = lines.poll(120, TimeUnit.SECONDS);
    if (line == null) {
      throw new AssertionError("operator did not say '%s':%n%s".formatted(wanted, seen));
    }
    return line;
  }

  private void read() {
    try (BufferedReader output = process.inputReader()) {
      output.lines().forEach(lines::add);
    } catch (IOException | UncheckedIOException e) {
      lines.add("(output ended early: " + e.getMessage() + ")");
    } finally {
      lines.add(END);
    }
  }
}
