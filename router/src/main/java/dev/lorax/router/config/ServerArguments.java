package dev.lorax.router.config;

import dev.lorax.options.Kind;
import dev.lorax.options.Option;
import dev.lorax.options.Problems;
import dev.lorax.router.config.RouterConfig.Patience;
import dev.lorax.router.http.ClientPatience;
import dev.lorax.router.http.HttpSettings.Address;
import dev.lorax.router.http.TlsFiles;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Options about the process, those that it talks to, and its end, as typed. */
final class ServerArguments {
  InetAddress hostname = InetAddress.ofLiteral("0.0.0.0");
  int port = 3000;
  @Nullable Path apiKeysFile;
  @Nullable Path certificateFile;
  @Nullable Path keyFile;
  Path firstShardSocket = Path.of("/tmp/lorax-server-0");
  int shardConnectTimeoutSeconds = 60;
  int requestTimeoutSeconds = 30;
  int answerTimeoutSeconds = 60;
  int idleTimeoutSeconds = 620;
  int lameDuckSeconds;
  int drainTimeoutSeconds = 75;
  @Nullable String otlpEndpoint;
  boolean jsonOutput;

  List<Option<?>> options() {
    return List.of(
        Option.of("--hostname", Kind.ADDRESS, value -> hostname = value)
            .initially(hostname)
            .says(
                "IP",
                "Address to listen on. A variable that holds a name is a host's, and unread."),
        Option.of("--port", Kind.WHOLE_NUMBER, value -> port = value)
            .orShort("-p")
            .initially(port)
            .says("PORT", "Port of the HTTP API. 0: any that is free."),
        Option.of("--api-keys-file", Kind.PATH, value -> apiKeysFile = value)
            .usually("none: everybody may ask")
            .says("FILE", "JSON with hashed API keys; read again when it changes."),
        Option.of("--tls-cert-file", Kind.PATH, value -> certificateFile = value)
            .usually("none: plain HTTP")
            .says("FILE", "Certificate to serve HTTPS with, in PEM; read again when it changes."),
        Option.of("--tls-key-file", Kind.PATH, value -> keyFile = value)
            .usually("none: plain HTTP")
            .says("FILE", "Key of that certificate, in PEM; read again when it changes."),
        Option.of("--master-shard-uds-path", Kind.PATH, value -> firstShardSocket = value)
            .initially(firstShardSocket)
            .says("SOCKET", "Unix socket of shard 0. Links are followed at every connect."),
        Option.of(
                "--shard-connect-timeout-s",
                Kind.WHOLE_NUMBER,
                value -> shardConnectTimeoutSeconds = value)
            .initially(shardConnectTimeoutSeconds)
            .says("SECONDS", "How long to wait for the shards at the start."),
        Option.of(
                "--client-request-timeout-s",
                Kind.WHOLE_NUMBER,
                value -> requestTimeoutSeconds = value)
            .initially(requestTimeoutSeconds)
            .says(
                "SECONDS", "How long the head of a request may take to arrive, and then its body."),
        Option.of(
                "--client-answer-timeout-s",
                Kind.WHOLE_NUMBER,
                value -> answerTimeoutSeconds = value)
            .initially(answerTimeoutSeconds)
            .says(
                "SECONDS",
                "How long a client may leave a part of its answer unread before its connection is closed."),
        Option.of("--client-idle-timeout-s", Kind.WHOLE_NUMBER, value -> idleTimeoutSeconds = value)
            .initially(idleTimeoutSeconds)
            .says(
                "SECONDS",
                "How long a connection stays open with nothing asked; more than proxies keep theirs."),
        Option.of("--lame-duck-s", Kind.WHOLE_NUMBER, value -> lameDuckSeconds = value)
            .initially(lameDuckSeconds)
            .says(
                "SECONDS",
                "How long to serve on after SIGTERM, closing each connection with its next answer, before new"
                    + " connections are refused: until proxies send nobody any more."),
        Option.of("--drain-timeout-s", Kind.WHOLE_NUMBER, value -> drainTimeoutSeconds = value)
            .initially(drainTimeoutSeconds)
            .says(
                "SECONDS",
                "How long running requests may take to end once new connections are refused."),
        Option.of("--otlp-endpoint", Kind.COLLECTOR, value -> otlpEndpoint = value)
            .usually("none: nothing is traced")
            .says("URL", "OpenTelemetry collector that gets a trace of each request, by gRPC."),
        Option.of("--json-output", Kind.SWITCH, value -> jsonOutput = value)
            .says("Log JSON, one object a line."));
  }

  Address toAddress() {
    // Tokenizing, batching and the collector need cores as well.
    int eventLoops = Math.max(1, Runtime.getRuntime().availableProcessors() / 2);
    return new Address(hostname.getHostAddress(), port, eventLoops);
  }

  @Nullable TlsFiles toTls() {
    return certificateFile == null || keyFile == null
        ? null
        : new TlsFiles(certificateFile, keyFile);
  }

  ClientPatience toClientPatience() {
    return new ClientPatience(
        Duration.ofSeconds(requestTimeoutSeconds),
        Duration.ofSeconds(answerTimeoutSeconds),
        Duration.ofSeconds(idleTimeoutSeconds));
  }

  Patience toPatience() {
    return new Patience(
        Duration.ofSeconds(shardConnectTimeoutSeconds),
        Duration.ofSeconds(lameDuckSeconds),
        Duration.ofSeconds(drainTimeoutSeconds));
  }

  void check(Problems problems) {
    problems.port(0, "--port", port);
    problems.together("--tls-cert-file", certificateFile, "--tls-key-file", keyFile);
    problems.atLeast(0, "--shard-connect-timeout-s", shardConnectTimeoutSeconds);
    problems.atLeast(1, "--client-request-timeout-s", requestTimeoutSeconds);
    problems.atLeast(1, "--client-answer-timeout-s", answerTimeoutSeconds);
    problems.atLeast(1, "--client-idle-timeout-s", idleTimeoutSeconds);
    problems.atLeast(0, "--lame-duck-s", lameDuckSeconds);
    problems.atLeast(0, "--drain-timeout-s", drainTimeoutSeconds);
  }
}
