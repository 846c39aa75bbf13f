package dev.lorax.launcher.testing;

import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A launcher in a process of its own, with scripted members on its PATH. */
public final class LauncherProcess implements AutoCloseable {

  private static final HttpClient HTTP = HttpClient.newHttpClient();
  private static final String PYTHON = python();

  /** A header of two bytes and no tensor. */
  private static final String EMPTY_SAFETENSORS = "\2\0\0\0\0\0\0\0{}";

  private final Path home;
  private final LauncherJvm jvm;
  private final Script script;
  private final int routerPort = freePort();
  private final int statusPort = freePort();
  private final List<Process> processes = new ArrayList<>();

  public LauncherProcess(Path home) throws IOException {
    this(home, Rehearsed.JVM);
  }

  private LauncherProcess(Path home, LauncherJvm jvm) throws IOException {
    this.home = home;
    this.jvm = jvm;
    this.script = new Script(Files.createDirectories(home.resolve("script")));
    Path bin = Files.createDirectories(home.resolve("bin"));
    member(bin.resolve("lorax-server"), "shard.py");
    member(bin.resolve("lorax-router"), "router.py");
    Path model = Files.createDirectories(home.resolve("model"));
    Files.writeString(model.resolve("config.json"), "{\"max_position_embeddings\": 8192}");
    for (var file : List.of("tokenizer.json", "tokenizer_config.json")) {
      Files.writeString(model.resolve(file), "{}");
    }
    Files.writeString(model.resolve("model.safetensors"), EMPTY_SAFETENSORS);
  }

  private static final class Rehearsed {
    static final LauncherJvm JVM = rehearse();
  }

  /** One whole life of a launcher, before the first that a test asks for. */
  private static LauncherJvm rehearse() {
    try {
      var jvm = LauncherJvm.rehearsal();
      // A socket's path must be short, so not below target.
      Path home = Files.createTempDirectory("rehearsal");
      try (var launcher = new LauncherProcess(home, jvm)) {
        Process process = launcher.start();
        await()
            .atMost(Duration.ofMinutes(1))
            .until(() -> launcher.status().path("phase").asText().equals("Serving"));
        process.destroy();
        process.waitFor();
      }
      try (var files = Files.walk(home)) {
        files.map(Path::toFile).sorted(Comparator.reverseOrder()).forEach(File::delete);
      }
      return jvm.withArchive();
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException("cannot rehearse a launcher", e);
    }
  }

  /** In Python, because a JVM for every member would be most of a test's time. */
  private static void member(Path file, String source) throws IOException {
    Path script = Path.of("src/test/python/members", source).toAbsolutePath();
    Files.writeString(file, "#!/bin/sh\nexec %s -B %s \"$@\"\n".formatted(PYTHON, script));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  /** The interpreter itself: what PATH names may be a wrapper that takes longer than it. */
  private static String python() {
    try {
      var asked = new ProcessBuilder("python3", "-c", "import sys; print(sys.executable)").start();
      return new String(asked.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    } catch (IOException e) {
      throw new UncheckedIOException("python3 must be on PATH for the launcher's tests", e);
    }
  }

  /** Starts the launcher for the scripted model; may be called again after its end. */
  public Process start(String... options) {
    return serve(model().toString(), Map.of(), options);
  }

  /** The same for another model, with more environment variables. */
  public Process serve(String model, Map<String, String> variables, String... options) {
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
    return run(line, variables);
  }

  public Process startAgent(String role, int index) {
    return run(
        List.of(
            "agent",
            "--role",
            role,
            "--index",
            Integer.toString(index),
            "--control",
            sockets().resolve("control.sock").toString()));
  }

  private Process run(List<String> arguments) {
    return run(arguments, Map.of());
  }

  /** Starts the program with this command line, whose members are scripted. */
  public Process run(List<String> arguments, Map<String, String> variables) {
    return runUnder(List.of(), arguments, variables);
  }

  /** The same under another program, which must become the launcher. */
  public Process runUnder(
      List<String> wrapper, List<String> arguments, Map<String, String> variables) {
    List<String> line = new ArrayList<>(wrapper);
    // Under nohup, or in the background of a script, these tests inherit signals that are ignored.
    line.addAll(List.of("env", "--default-signal=HUP,INT,TERM"));
    line.addAll(jvm.command("dev.lorax.launcher.LauncherMain"));
    line.addAll(arguments);
    var builder = new ProcessBuilder(line).redirectErrorStream(true);
    builder.environment().putAll(variables);
    builder.environment().put("SCRIPT_DIRECTORY", script.directory().toString());
    builder
        .environment()
        .merge("PATH", home.resolve("bin").toString(), (old, ours) -> ours + ":" + old);
    builder.redirectOutput(ProcessBuilder.Redirect.appendTo(home.resolve("log").toFile()));
    try {
      Process process = builder.start();
      processes.add(process);
      return process;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public Path sockets() {
    return home.resolve("s");
  }

  public Path model() {
    return home.resolve("model");
  }

  /** Of the scripted members. */
  public Path programs() {
    return home.resolve("bin");
  }

  public int routerPort() {
    return routerPort;
  }

  public int statusPort() {
    return statusPort;
  }

  public Path cache() {
    return home.resolve("cache");
  }

  /** Its path is in the environment of every process that was started from here. */
  public Path scriptDirectory() {
    return script.directory();
  }

  /** A directory in which the launcher finds the agent already; ours runs from the class path. */
  public Path installedAgent() {
    try {
      Path directory = home.resolve("agent");
      Files.createDirectories(directory.resolve("bin"));
      if (Files.notExists(directory.resolve("bin/lorax-agent"))) {
        Files.createFile(directory.resolve("bin/lorax-agent"));
      }
      return directory;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** SIGSTOP: the process lives on but does nothing. */
  public static void freeze(long processId) {
    signal("STOP", processId);
  }

  /** SIGCONT. */
  public static void thaw(long processId) {
    signal("CONT", processId);
  }

  private static void signal(String name, long processId) {
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

  public String log() {
    try {
      return Files.readString(home.resolve("log"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What the status server says; an empty object while it does not listen. */
  public JsonNode status() {
    try {
      return new ObjectMapper().readTree(get("/status").body());
    } catch (IOException notListening) {
      return new ObjectMapper().createObjectNode();
    }
  }

  public HttpResponse<String> get(String path) throws IOException {
    try {
      var uri = URI.create("http://127.0.0.1:" + statusPort + path);
      return HTTP.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString());
    } catch (InterruptedException e) {
      throw new AssertionError("the test was interrupted", e);
    }
  }

  private static int freePort() {
    try (var socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
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
  }
}
