package dev.lorax.operator.pod;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lorax.operator.server.manifest.PodAddress;
import dev.lorax.operator.server.status.LauncherReport;
import io.fabric8.kubernetes.api.model.Pod;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * Asks launchers how far they have come. Thread-safe. What cannot be had is left out: container
 * statuses tell the most of it.
 */
public final class LauncherClient {

  /** A status tells of the one replica that is furthest behind; more would tell nothing new. */
  private static final int MOST_ASKED = 32;

  /** A reconcile waits for the slowest answer, and others wait for its thread. */
  private static final Duration PATIENCE = Duration.ofSeconds(1);

  private final ObjectMapper json = new ObjectMapper();
  private final PodClient client = new PodClient(PATIENCE);

  /** What the launchers of these pods say, by the names of the pods; waits for a second at most. */
  public Map<String, LauncherReport> ask(List<Pod> pods) {
    return client.ask(
        pods.stream().limit(MOST_ASKED).toList(),
        PodAddress::launcherStatus,
        body -> json.readValue(body, LauncherReport.class));
  }
}
