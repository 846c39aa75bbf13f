package dev.lorax.operator;

import static dev.lorax.operator.TestingServer.soon;
import static dev.lorax.operator.TestingServer.version;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.lorax.crds.v1alpha1.Progress;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What the operator asks launchers while replicas load, and what users read of the answers. */
@ExtendWith(TestingApiServer.class)
final class LauncherStatusIT {

  private static final long TOTAL = 1_234_567_890;

  private KubernetesClient client;
  private TestingServer server;
  private TestingLauncher launcher;
  private TestingPod pod;
  private LoraxOperator operator;

  @BeforeEach
  void start(TestingApiServer.Access access) throws IOException {
    client = access.client();
    server = new TestingServer(client, access.namespace());
    launcher = TestingLauncher.start();
    operator = access.startOperator(server.namespace());
    server.create();
    server.awaitReason("PodsPending");
    pod = new TestingPod(client, server.namespace(), TestingServer.NAME);
    pod.create(launcher.port());
  }

  @AfterEach
  void stop() {
    operator.close();
    launcher.close();
    client.close();
  }

  @Test
  void tells_how_far_a_download_is_and_follows_it() {
    // given
    launcher.downloads(TOTAL / 8, TOTAL);

    // when
    pod.launcherRuns();

    // then
    server.awaitMessage("downloading org/base@main: 10 % of 1.2 GB");
    assertThat(server.condition("Ready").getReason()).isEqualTo("Downloading");
    assertThat(server.get().getStatus().progress())
        .isEqualTo(new Progress("downloading", "org/base@main", 10, TOTAL));

    // when
    launcher.downloads(TOTAL / 2, TOTAL);

    // then
    server.awaitMessage("downloading org/base@main: 50 % of 1.2 GB");

    // when
    pod.modelIsCached();

    // then
    server.awaitReason("ShardsLoading");
    assertThat(server.get().getStatus().progress()).isNull();
  }

  @Test
  void writes_nothing_while_a_download_stays_within_a_step() {
    // given
    launcher.downloads(TOTAL * 46 / 100, TOTAL);
    pod.launcherRuns();
    server.awaitMessage("45 %");
    String before = version(server.get());

    // when
    launcher.downloads(TOTAL * 49 / 100, TOTAL);
    int asked = launcher.asked();
    soon().until(() -> launcher.asked() >= asked + 2);

    // then
    assertThat(version(server.get())).isEqualTo(before);
  }

  @Test
  void asks_nobody_once_the_server_is_ready() {
    // given
    launcher.downloads(TOTAL, TOTAL);
    pod.launcherRuns();
    server.awaitReason("Downloading");
    pod.routerIsReady();
    server.deploymentControllerHasRolledOut();
    server.awaitReason("Ready");

    // when
    int asked = launcher.asked();

    // then
    assertThat(asked).isPositive();
    await()
        .during(Duration.ofSeconds(5))
        .atMost(Duration.ofSeconds(8))
        .until(() -> launcher.asked() == asked);
  }

  @Test
  void tells_why_the_shards_of_a_pod_start_again() {
    // given
    launcher.says(
        """
        {"phase": "ShardsLoading", "since": "2026-01-01T12:00:00Z", "epoch": 2,
         "last_failure": {"code": "NoHeartbeat",
                          "reason": "shard-0 has not answered its health check for 30 s",
                          "at": "2026-01-01T11:59:59.900Z"}}
        """);

    // when
    pod.modelIsCached();

    // then
    server.awaitReason("NoHeartbeat");
    assertThat(server.condition("Ready").getMessage())
        .contains("shard-0 has not answered its health check for 30 s");
    assertThat(server.condition("Progressing").getStatus()).isEqualTo("True");
  }

  @Test
  void container_statuses_suffice_where_launchers_do_not_answer() {
    // given
    launcher.fallsSilent();

    // when
    pod.launcherRuns();

    // then
    server.awaitReason("Downloading");
    assertThat(launcher.asked()).isPositive();

    // when
    pod.modelIsCached();

    // then
    server.awaitReason("ShardsLoading");
  }

  @Test
  void an_answer_that_is_none_of_a_launcher_is_left_alone() {
    // given
    launcher.says("<html>a proxy's page</html>");

    // when
    pod.launcherRuns();

    // then
    server.awaitReason("Downloading");
    assertThat(launcher.asked()).isPositive();
  }
}
