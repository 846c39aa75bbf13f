package dev.lorax.operator.pod;

import dev.lorax.operator.server.manifest.PodAddress;
import io.fabric8.kubernetes.api.model.Pod;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** Asks routers how much they have to do. Thread-safe. */
public final class RouterClient {

  private final PodClient client;

  /** {@code patience} is how long the slowest router is waited for. */
  public RouterClient(Duration patience) {
    this.client = new PodClient(patience);
  }

  /**
   * What the routers of these pods have to do, by the names of the pods. Those that do not answer
   * in time are left out.
   */
  public Map<String, RouterLoad> ask(List<Pod> pods) {
    return client.ask(
        pods,
        PodAddress::routerMetrics,
        body -> RouterLoad.parse(new String(body, StandardCharsets.UTF_8)));
  }
}
