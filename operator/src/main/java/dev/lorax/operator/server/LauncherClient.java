package dev.lorax.operator.server;

import static java.util.stream.Collectors.toMap;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lorax.operator.log.LogKeys;
import dev.lorax.operator.server.manifest.StatusAddress;
import dev.lorax.operator.server.status.LauncherReport;
import io.fabric8.kubernetes.api.model.Pod;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks launchers how far they have come, at the addresses of their pods. Thread-safe. What cannot
 * be had is left out: a network policy may be in the way, and container statuses tell the most of
 * it.
 */
final class LauncherClient {

  private static final Logger LOG = LoggerFactory.getLogger(LauncherClient.class);

  /** A reconcile waits for the slowest answer, and others wait for its thread. */
  private static final Duration PATIENCE = Duration.ofSeconds(1);

  /** A status tells of the one replica that is furthest behind; more would tell nothing new. */
  private static final int MOST_ASKED = 32;

  /** Many times what a launcher says. */
  private static final int MOST_BYTES = 64 * 1024;

  private final ObjectMapper json = new ObjectMapper();
  private final HttpClient http =
      HttpClient.newBuilder()
          .connectTimeout(PATIENCE)
          // A proxy for the way out of the cluster knows no pods.
          .proxy(HttpClient.Builder.NO_PROXY)
          .executor(Executors.newVirtualThreadPerTaskExecutor())
          .build();

  /** What the launchers of these pods say, by the names of the pods; waits for a second at most. */
  Map<String, LauncherReport> ask(List<Pod> pods) {
    List<CompletableFuture<Optional<Answer>>> answers =
        pods.stream()
            .limit(MOST_ASKED)
            .flatMap(pod -> StatusAddress.of(pod).map(address -> ask(pod, address)).stream())
            .toList();
    return answers.stream()
        .map(CompletableFuture::join)
        .flatMap(Optional::stream)
        .collect(toMap(Answer::pod, Answer::report));
  }

  private record Answer(String pod, LauncherReport report) {}

  private CompletableFuture<Optional<Answer>> ask(Pod pod, URI address) {
    String name = pod.getMetadata().getName();
    var request = HttpRequest.newBuilder(address).build();
    var exchange =
        http.sendAsync(request, BodyHandlers.limiting(BodyHandlers.ofByteArray(), MOST_BYTES));
    return exchange
        .copy()
        .orTimeout(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)
        .thenApply(response -> Optional.of(new Answer(name, read(response))))
        .exceptionally(failure -> {
          exchange.cancel(true);
          LOG.atDebug()
              .addKeyValue(LogKeys.NAMESPACE, pod.getMetadata().getNamespace())
              .addKeyValue(LogKeys.NAME, name)
              .addKeyValue(LogKeys.PROBLEM, failure)
              .log("launcher not reached");
          return Optional.empty();
        });
  }

  private LauncherReport read(HttpResponse<byte[]> response) {
    try {
      return json.readValue(response.body(), LauncherReport.class);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
