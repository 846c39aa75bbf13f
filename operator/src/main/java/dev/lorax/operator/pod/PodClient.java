package dev.lorax.operator.pod;

import static java.util.stream.Collectors.toMap;

import dev.lorax.operator.log.LogKeys;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.internal.SSLUtils;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import javax.net.ssl.SSLContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks pods all at once and waits no longer than its patience. Thread-safe. What cannot be had is
 * left out: a network policy may be in the way, and nothing that is asked here is needed to go on.
 */
final class PodClient {

  private static final Logger LOG = LoggerFactory.getLogger(PodClient.class);

  /** Several times what a launcher or a router says. */
  private static final int MOST_BYTES = 256 * 1024;

  private final Duration patience;
  private final HttpClient http;

  PodClient(Duration patience) {
    this.patience = patience;
    this.http =
        HttpClient.newBuilder()
            .connectTimeout(patience)
            // A proxy for the way out of the cluster knows no pods.
            .proxy(HttpClient.Builder.NO_PROXY)
            .sslContext(anyCertificate())
            .executor(Executors.newVirtualThreadPerTaskExecutor())
            .build();
  }

  /**
   * Certificates of routers name the hosts that clients know, not the addresses of pods, and the
   * operator may read no Secret to know them by. As the kubelet's probes do.
   */
  private static SSLContext anyCertificate() {
    try {
      var anyone = SSLUtils.trustManagers(null, null, true, null, null);
      return SSLUtils.sslContext(null, anyone);
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Makes something of the bytes of an answer. */
  @FunctionalInterface
  interface Reader<T> {
    T read(byte[] body) throws IOException;
  }

  /** Answers by the names of the pods. */
  <T> Map<String, T> ask(List<Pod> pods, Function<Pod, Optional<URI>> address, Reader<T> reader) {
    List<CompletableFuture<Optional<Answer<T>>>> answers =
        pods.stream()
            .flatMap(pod -> address.apply(pod).map(uri -> ask(pod, uri, reader)).stream())
            .toList();
    return answers.stream()
        .map(CompletableFuture::join)
        .flatMap(Optional::stream)
        .collect(toMap(Answer::pod, Answer::said));
  }

  private record Answer<T>(String pod, T said) {}

  private <T> CompletableFuture<Optional<Answer<T>>> ask(Pod pod, URI address, Reader<T> reader) {
    String name = pod.getMetadata().getName();
    var request = HttpRequest.newBuilder(address).build();
    var exchange =
        http.sendAsync(request, BodyHandlers.limiting(BodyHandlers.ofByteArray(), MOST_BYTES));
    return exchange
        .copy()
        .orTimeout(patience.toMillis(), TimeUnit.MILLISECONDS)
        .thenApply(response -> Optional.of(new Answer<>(name, read(response.body(), reader))))
        .exceptionally(failure -> {
          exchange.cancel(true);
          LOG.atDebug()
              .addKeyValue(LogKeys.NAMESPACE, pod.getMetadata().getNamespace())
              .addKeyValue(LogKeys.NAME, name)
              .addKeyValue(LogKeys.PROBLEM, failure)
              .log("pod not reached");
          return Optional.empty();
        });
  }

  private static <T> T read(byte[] body, Reader<T> reader) {
    try {
      return reader.read(body);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
