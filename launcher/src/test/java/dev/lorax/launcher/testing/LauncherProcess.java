package dev.lorax.launcher.testing;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** A launcher in a process of its own, with scripted members on its PATH. */
public final class LauncherProcess implements AutoCloseable {

  private static final HttpClient HTTP = HttpClient.newHttpClient();
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Beyond it something else listens there that does not speak HTTP. */
  private static final Duration ANSWER = Duration.ofSeconds(10);

  private static final int LOWEST_PORT = 10_000;
  private static final int PORTS = 20_000;
  private static final AtomicInteger NEXT_PORT = new AtomicInteger(new Random().nextInt(PORTS));

  private final Home home;
  private final LauncherJvm jvm;
  private final Script script;
  private final int routerPort = freePort();
  private final int statusPort = freePort();
  private final List<Process> processes = new ArrayList<>();

  public LauncherProcess(Home home) {
    this(home, Rehearsed.jvm());
  }

  LauncherProcess(Home home, LauncherJvm jvm) {
    this.home = home;
    this.jvm = jvm;
    this.script = new Script(home.scriptDirectory());
  }

  /** Starts the launcher for the scripted model; may be called again after its end. */
  public Process start(String... options) {
    return serve(model().toString(), Map.of(), options);
  }

  /** The same for another model, with more environment variables. */
  public Process serve(String model, Map<String, String> variables, String... options) {
    return serveUnder(List.of(), model, variables, options);
  }

  /** The same under another program, which must become the launcher. */
  public Process serveUnder(
      List<String> wrapper, String model, Map<String, String> variables, String... options) {
    List<String> line = new ArrayList<>();
    var defaults =
        Map.of(
            "--model-id", model,
            "--huggingface-hub-cache", cache().toString(),
            "--shard-uds-path", sockets().toString());
    defaults.forEach((option, value) -> {
      if (!List.of(options).contains(option)) {
        line.addAll(List.of(option, value));
      }
    });
    line.addAll(List.of("--port", Integer.toString(routerPort)));
    line.addAll(List.of("--status-port", Integer.toString(statusPort)));
    line.addAll(List.of("--restart-backoff", "10ms"));
    line.addAll(List.of(options));
    return runUnder(wrapper, line, variables);
  }

  public Process startAgent(String role, int index) {
    return start(home.agent(List.of(), role, index), Map.of());
  }

  /** Starts the program with this command line, whose members are scripted. */
  public Process run(List<String> arguments, Map<String, String> variables) {
    return runUnder(List.of(), arguments, variables);
  }

  /** The same under another program, which must become the launcher. */
  public Process runUnder(
      List<String> wrapper, List<String> arguments, Map<String, String> variables) {
    return start(home.program(jvm, wrapper, arguments), variables);
  }

  private Process start(ProcessBuilder builder, Map<String, String> variables) {
    builder.environment().putAll(variables);
    builder.redirectOutput(ProcessBuilder.Redirect.appendTo(logFile().toFile()));
    try {
      Process process = builder.start();
      processes.add(process);
      return process;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Path logFile() {
    return home.directory().resolve("log");
  }

  public Home home() {
    return home;
  }

  public Path sockets() {
    return home.sockets();
  }

  public Path model() {
    return home.model();
  }

  /** Of the scripted members. */
  public Path programs() {
    return home.programs();
  }

  public int routerPort() {
    return routerPort;
  }

  public int statusPort() {
    return statusPort;
  }

  public Path cache() {
    return home.cache();
  }

  /** Its path is in the environment of every process that was started from here. */
  public Path scriptDirectory() {
    return home.scriptDirectory();
  }

  /** A directory in which the launcher finds the agent already; ours runs from the class path. */
  public Path installedAgent() {
    return home.installedAgent();
  }

  /** Sent by the system's own program. */
  public static void signal(String name, long processId) {
    try {
      int code = new ProcessBuilder("kill", "-" + name, Long.toString(processId)).start().waitFor();
      if (code != 0) {
        throw new AssertionError("no process " + processId);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new AssertionError("the test was interrupted", e);
    }
  }

  public static void kill(long processId) {
    ProcessHandle.of(processId).orElseThrow().destroyForcibly();
  }

  /** The diary's lines about starts of a member, oldest first. */
  public List<String> started(String member) {
    return diary().stream().filter(line -> line.startsWith(member + " started")).toList();
  }

  public void ask(String behaviour) {
    script.ask(behaviour);
  }

  public void forget(String behaviour) {
    script.forget(behaviour);
  }

  public List<String> diary() {
    return script.diary();
  }

  /** Process ids of all starts of a member, oldest first. */
  public List<Long> processIds(String member) {
    return started(member).stream()
        .map(line -> Long.parseLong(line.replaceAll(".*pid=(\\d+).*", "$1")))
        .toList();
  }

  /** Empty before the first start. */
  public String log() {
    try {
      return Files.exists(logFile()) ? Files.readString(logFile()) : "";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What the status server says; an empty object while it does not listen. */
  public JsonNode status() {
    try {
      return JSON.readTree(get("/status").body());
    } catch (IOException notListening) {
      return JSON.createObjectNode();
    }
  }

  public HttpResponse<String> get(String path) throws IOException {
    try {
      var uri = URI.create("http://127.0.0.1:" + statusPort + path);
      var request = HttpRequest.newBuilder(uri).timeout(ANSWER).build();
      return HTTP.send(request, HttpResponse.BodyHandlers.ofString());
    } catch (InterruptedException e) {
      throw new AssertionError("the test was interrupted", e);
    }
  }

  /** Not one of those that the kernel gives to connections, of which tests make thousands. */
  public static int freePort() {
    while (true) {
      int port = LOWEST_PORT + NEXT_PORT.getAndIncrement() % PORTS;
      try (var socket = new ServerSocket(port)) {
        return socket.getLocalPort();
      } catch (BindException taken) {
        // By somebody else on this machine.
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  @Override
  public void close() throws InterruptedException {
    for (var process : processes) {
      process.destroyForcibly();
      process.waitFor(10, TimeUnit.SECONDS);
    }
    diary().stream()
        .filter(line -> line.contains("started pid="))
        .map(line -> Long.parseLong(line.replaceAll(".*pid=(\\d+).*", "$1")))
        .flatMap(pid -> ProcessHandle.of(pid).stream())
        .forEach(ProcessHandle::destroyForcibly);
    home.sharedMemory().forEach(segment -> segment.toFile().delete());
  }
}
