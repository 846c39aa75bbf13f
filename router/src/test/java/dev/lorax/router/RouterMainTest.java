package dev.lorax.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.lorax.protocol.generate.v1.DecodeRequest;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The router as a process of its own. */
class RouterMainTest {
  private static final String MODEL = "src/test/resources/model";

  @TempDir private Path directory;

  @Test
  void says_everything_that_is_wrong_and_ends() throws Exception {
    Process router = start("--port", "none", "--frobnicate");

    assertThat(router.waitFor(30, TimeUnit.SECONDS)).isTrue();

    assertThat(router.exitValue()).isEqualTo(2);
    assertThat(output())
        .contains("--port: expected a whole number, got none")
        .contains("--tokenizer-name: expected the directory of the model, got nothing")
        .contains("--frobnicate: unknown option; --help lists all");
  }

  @Test
  void says_that_it_finds_no_shards_and_ends() throws Exception {
    Path socket = directory.resolve("nowhere-0");

    Process router =
        start(
            "--tokenizer-name",
            MODEL,
            "--master-shard-uds-path",
            socket.toString(),
            "--shard-connect-timeout-s",
            "0");

    assertThat(router.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(router.exitValue()).isEqualTo(1);
    String reason = "Unable to connect to the model shards: no shard socket at " + socket;
    assertThat(output()).contains(reason);
    assertThat(directory.resolve("termination-log")).content().isEqualTo(reason + "\n");
  }

  @Test
  void gives_the_launchers_word_for_a_port_that_is_taken() throws Exception {
    try (var other = new ServerSocket(0);
        var shard = ScriptedShard.single(directory.resolve("shard"), ShardScript.PLAIN)) {
      Process router =
          start(
              "--tokenizer-name",
              MODEL,
              "--master-shard-uds-path",
              directory.resolve("shard-0").toString(),
              "--port",
              String.valueOf(other.getLocalPort()),
              "--json-output");

      assertThat(router.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(router.exitValue()).isEqualTo(1);
      assertThat(output()).contains("{\"code\":\"PortTaken\"}", "Address already in use");
      assertThat(shard.violations()).isEmpty();
    }
  }

  @Test
  void gives_the_launchers_word_for_api_keys_that_are_not_there() throws Exception {
    try (var shard = ScriptedShard.single(directory.resolve("shard"), ShardScript.PLAIN)) {
      Process router =
          start(
              "--tokenizer-name",
              MODEL,
              "--master-shard-uds-path",
              directory.resolve("shard-0").toString(),
              "--port",
              "0",
              "--api-keys-file",
              directory.resolve("keys.json").toString(),
              "--json-output");

      assertThat(router.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(router.exitValue()).isEqualTo(1);
      assertThat(output())
          .contains("{\"code\":\"WrongApiKeys\"}", "expected a file at", "keys.json, got none");
      assertThat(shard.violations()).isEmpty();
    }
  }

  @Test
  void ends_in_order_when_it_is_told_to() throws Exception {
    ShardScript slow = ShardScript.PLAIN.withStep(Duration.ofMillis(20));
    int port = freePort();
    try (var shard = ScriptedShard.single(directory.resolve("shard"), slow);
        var client = HttpClient.newHttpClient()) {
      Process router =
          start(
              "--tokenizer-name",
              MODEL,
              "--master-shard-uds-path",
              directory.resolve("shard-0").toString(),
              "--port",
              String.valueOf(port),
              "--json-output");
      await()
          .atMost(Duration.ofSeconds(30))
          .untilAsserted(() -> assertThat(output()).contains("router listens"));
      var answer = client.sendAsync(generation(port), BodyHandlers.ofString());
      await().untilAsserted(() -> assertThat(shard.calls(DecodeRequest.class)).isNotEmpty());

      router.destroy();

      assertThat(answer.thenApply(HttpResponse::statusCode).join()).isEqualTo(200);
      assertThat(answer.join().body()).contains(ScriptedText.expected("hello", "", 60));
      assertThat(router.waitFor(30, TimeUnit.SECONDS)).isTrue();
      assertThat(router.exitValue()).isZero();
    }
  }

  private static HttpRequest generation(int port) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/generate"))
        .header("content-type", "application/json")
        .POST(
            BodyPublishers.ofString(
                "{\"inputs\":\"hello\",\"parameters\":{\"max_new_tokens\":60}}"))
        .build();
  }

  private Process start(String... arguments) throws IOException {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx256m", "--enable-native-access=ALL-UNNAMED"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(RouterMain.class.getName());
    command.addAll(List.of(arguments));
    var builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.redirectOutput(directory.resolve("output").toFile());
    Path terminationLog = Files.createFile(directory.resolve("termination-log"));
    builder.environment().put("LORAX_TERMINATION_LOG", terminationLog.toString());
    return builder.start();
  }

  private String output() throws IOException {
    return Files.readString(directory.resolve("output"));
  }

  private static int freePort() throws IOException {
    try (var socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }
}
