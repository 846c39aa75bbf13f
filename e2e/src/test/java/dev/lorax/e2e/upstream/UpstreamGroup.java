package dev.lorax.e2e.upstream;

import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Our launcher with our router, as the jars that users get, and two of upstream's shards. */
final class UpstreamGroup implements AutoCloseable {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final HttpClient HTTP = HttpClient.newHttpClient();
  private static final Path LAUNCHER = Path.of("../launcher/target/lorax-launcher.jar");
  private static final Path ROUTER = Path.of("../router/target/lorax-router.jar");
  private static final Path TOKENIZER = Path.of("../router/src/test/resources/model");

  /** A header of two bytes and no tensor. */
  private static final String EMPTY_SAFETENSORS = "\2\0\0\0\0\0\0\0{}";

  /** Stands before the class path, behind which the system cuts command lines off. */
  private static final String MARK = "-Dshard=upstream";

  private final Path home;
  private final int port = freePort();
  private final int statusPort = freePort();
  private final Process launcher;

  UpstreamGroup(Path home) throws IOException {
    this.home = home;
    Path bin = Files.createDirectory(home.resolve("bin"));
    String classPath = System.getProperty("java.class.path");
    script(bin.resolve("lorax-server"), MARK, "-cp", classPath, UpstreamShardMain.class.getName());
    script(bin.resolve("lorax-router"), "-jar", ROUTER.toAbsolutePath().toString());
    writeModel(Files.createDirectory(home.resolve("model")));
    this.launcher = start(bin);
  }

  /** Both are packaged before this module's tests by {@code mvn verify}, but not by test alone. */
  static boolean jarsAreThere() {
    return Files.exists(LAUNCHER) && Files.exists(ROUTER);
  }

  private static void script(Path file, String... arguments) throws IOException {
    String line = String.join(" ", java(arguments));
    Files.writeString(file, "#!/bin/sh\nexec %s \"$@\"\n".formatted(line));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private static List<String> java(String... arguments) {
    List<String> line = new ArrayList<>();
    line.add(System.getProperty("java.home") + "/bin/java");
    line.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m"));
    line.addAll(List.of("--enable-native-access=ALL-UNNAMED"));
    line.addAll(List.of(arguments));
    return line;
  }

  private static void writeModel(Path model) throws IOException {
    Files.copy(TOKENIZER.resolve("tokenizer.json"), model.resolve("tokenizer.json"));
    Files.writeString(model.resolve("tokenizer_config.json"), "{}");
    Files.writeString(model.resolve("config.json"), "{\"max_position_embeddings\": 256}");
    Files.writeString(model.resolve("model.safetensors"), EMPTY_SAFETENSORS);
  }

  private Process start(Path bin) throws IOException {
    List<String> line = java("-jar", LAUNCHER.toAbsolutePath().toString());
    line.addAll(List.of("--model-id", home.resolve("model").toString(), "--num-shard", "2"));
    line.addAll(List.of("--port", Integer.toString(port)));
    line.addAll(List.of("--status-port", Integer.toString(statusPort)));
    line.addAll(List.of("--shard-uds-path", home.resolve("s").toString()));
    var builder = new ProcessBuilder(line).redirectErrorStream(true).redirectOutput(log().toFile());
    builder.environment().merge("PATH", bin.toString(), (old, ours) -> ours + ":" + old);
    return builder.start();
  }

  private Path log() {
    return home.resolve("log");
  }

  String logged() {
    try {
      return Files.readString(log());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  void awaitServing(int epoch) {
    await()
        .atMost(Duration.ofMinutes(2))
        .until(() -> {
          if (!launcher.isAlive()) {
            throw new AssertionError("the launcher ended:\n" + logged());
          }
          JsonNode status = status();
          return status.path("phase").asText().equals("Serving")
              && status.path("epoch").asInt() == epoch;
        });
  }

  private JsonNode status() {
    try {
      var uri = URI.create("http://127.0.0.1:%d/status".formatted(statusPort));
      return JSON.readTree(send(HttpRequest.newBuilder(uri).build()).body());
    } catch (UncheckedIOException notListening) {
      return JSON.createObjectNode();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The body of the answer, which must have status 200. */
  String post(String path, Map<String, Object> parameters) {
    try {
      String body = JSON.writeValueAsString(Map.of("inputs", "one two", "parameters", parameters));
      var request =
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:%d%s".formatted(port, path)))
              .header("Content-Type", "application/json")
              .POST(HttpRequest.BodyPublishers.ofString(body))
              .build();
      HttpResponse<String> response = send(request);
      if (response.statusCode() != 200) {
        throw new AssertionError(response.statusCode() + " " + response.body() + "\n" + logged());
      }
      return response.body();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  String generate(Map<String, Object> parameters) {
    try {
      return JSON.readTree(post("/generate", parameters)).path("generated_text").asText();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static HttpResponse<String> send(HttpRequest request) {
    try {
      return HTTP.send(request, HttpResponse.BodyHandlers.ofString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new AssertionError("the test was interrupted", e);
    }
  }

  /** kill -9 of one of the two. */
  void killShard() {
    launcher
        .descendants()
        .filter(process -> process.info().commandLine().orElse("").contains(MARK))
        .findFirst()
        .orElseThrow()
        .destroyForcibly();
  }

  private static int freePort() {
    try (var socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** In order, which takes the members along. */
  @Override
  public void close() throws InterruptedException {
    launcher.destroy();
    launcher.waitFor();
  }
}
