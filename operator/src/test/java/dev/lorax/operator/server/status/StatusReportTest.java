package dev.lorax.operator.server.status;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lorax.crds.v1alpha1.LoraxServer;
import dev.lorax.crds.v1alpha1.LoraxServerStatus;
import dev.lorax.operator.GoldenFile;
import dev.lorax.operator.server.plan.Specs;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.PodList;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

final class StatusReportTest {

  private static final Instant NOON = Instant.parse("2026-01-01T12:00:00.123Z");
  private static final LoraxServerStatus NONE =
      new LoraxServerStatus(null, null, 0, 0, null, null, List.of(), null, List.of());
  private static final Path CASES =
      Path.of("src/test/resources", StatusReportTest.class.getSimpleName());

  @TestFactory
  Stream<DynamicTest> reports() throws IOException {
    return GoldenFile.cases(getClass()).stream()
        .map(directory -> dynamicTest(directory.getFileName().toString(), () -> report(directory)));
  }

  private static void report(Path directory) throws IOException {
    // given
    Observed seen = observed(directory);

    // when
    LoraxServerStatus status = new StatusReport(NONE, 3, NOON).of(seen);

    // then
    GoldenFile.assertMatches(directory.resolve("out-status.yaml"), status);
  }

  @Test
  void unchanged_world_gives_an_equal_status_later() {
    // given
    Observed seen = observed(CASES.resolve("shards-loading"));
    LoraxServerStatus first = new StatusReport(NONE, 3, NOON).of(seen);

    // when
    LoraxServerStatus later = new StatusReport(first, 3, NOON.plusSeconds(3600)).of(seen);

    // then
    assertThat(later).isEqualTo(first);
  }

  @Test
  void condition_that_changes_its_status_gets_the_time_of_the_change() {
    // given
    LoraxServerStatus loading =
        new StatusReport(NONE, 3, NOON).of(observed(CASES.resolve("shards-loading")));

    // when
    LoraxServerStatus ready =
        new StatusReport(loading, 3, NOON.plusSeconds(60)).of(observed(CASES.resolve("ready")));

    // then
    assertThat(condition(ready, "Ready").getLastTransitionTime()).isEqualTo("2026-01-01T12:01:00Z");
    assertThat(condition(ready, "ModelCached").getLastTransitionTime())
        .isEqualTo("2026-01-01T12:00:00Z");
  }

  @Test
  void refusal_keeps_what_is_known_of_the_pods_that_still_run() {
    // given
    LoraxServerStatus ready = new StatusReport(NONE, 3, NOON).of(observed(CASES.resolve("ready")));

    // when
    LoraxServerStatus refused =
        new StatusReport(ready, 4, NOON).refused("Invalid", "no such thing");

    // then
    assertThat(refused.readyReplicas()).isEqualTo(1);
    assertThat(refused.selector()).isEqualTo(ready.selector());
    assertThat(condition(refused, "Ready").getReason()).isEqualTo("Invalid");
    assertThat(condition(refused, "Ready").getObservedGeneration()).isEqualTo(4);
  }

  private static Observed observed(Path directory) {
    Path deployment = directory.resolve("in-deployment.yaml");
    return new Observed(
        Specs.planned(GoldenFile.read(directory.resolve("in-server.yaml"), LoraxServer.class)),
        Files.exists(deployment)
            ? Optional.of(GoldenFile.read(deployment, Deployment.class))
            : Optional.empty(),
        GoldenFile.read(directory.resolve("in-pods.yaml"), PodList.class).getItems(),
        reports(directory.resolve("in-launchers.json")));
  }

  /** What launchers said, as they write it, by the names of their pods. */
  private static Map<String, LauncherReport> reports(Path said) {
    try {
      return Files.exists(said)
          ? new ObjectMapper().readValue(said.toFile(), new TypeReference<>() {})
          : Map.of();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Condition condition(LoraxServerStatus status, String type) {
    return status.conditions().stream()
        .filter(condition -> condition.getType().equals(type))
        .findFirst()
        .orElseThrow();
  }
}
