package dev.lorax.launcher.status;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.launcher.process.MemberName;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

final class LauncherStatusTest {

  private static final MemberName SHARD = MemberName.shard(0);

  private final AtomicReference<Instant> now = new AtomicReference<>(Instant.EPOCH);
  private final LauncherStatus status = new LauncherStatus(1, now::get);

  private Phase phase() {
    return status.snapshot().phase();
  }

  private void serve() {
    status.modelReady();
    status.starting(SHARD, 1);
    status.ready(SHARD, 1);
    status.starting(MemberName.ROUTER, 1);
    status.ready(MemberName.ROUTER, 1);
  }

  @Test
  void the_phase_follows_from_model_and_members() {
    assertThat(phase()).isEqualTo(Phase.DOWNLOADING);
    status.modelReady();
    assertThat(phase()).isEqualTo(Phase.SHARDS_LOADING);
    status.starting(SHARD, 1);
    status.ready(SHARD, 1);
    assertThat(phase()).isEqualTo(Phase.ROUTER_STARTING);
    status.starting(MemberName.ROUTER, 1);
    status.ready(MemberName.ROUTER, 1);
    assertThat(phase()).isEqualTo(Phase.SERVING);
    status.ended(SHARD, 1, "shard-0 exited with code 1");
    assertThat(phase()).isEqualTo(Phase.SHARDS_LOADING);
    status.stopping();
    assertThat(phase()).isEqualTo(Phase.STOPPING);
  }

  @Test
  void late_news_of_an_earlier_epoch_change_nothing() {
    // given
    serve();
    status.ended(SHARD, 1, "killed");
    status.starting(SHARD, 2);

    // when
    status.ready(SHARD, 1);
    status.ended(SHARD, 1, "again");

    // then
    assertThat(status.snapshot().members().get(SHARD))
        .isEqualTo(new MemberState.Loading(2, Instant.EPOCH));
  }

  @Test
  void remembers_how_long_the_phases_of_the_first_start_took() {
    // given
    now.set(Instant.EPOCH.plusSeconds(5));
    status.modelReady();
    now.set(Instant.EPOCH.plusSeconds(7));
    serve();
    now.set(Instant.EPOCH.plusSeconds(100));

    // when
    status.ended(SHARD, 1, "killed");
    status.starting(SHARD, 2);
    status.ready(SHARD, 2);

    // then
    assertThat(status.snapshot().times().firstStart())
        .containsEntry(Phase.DOWNLOADING, Duration.ofSeconds(5))
        .containsEntry(Phase.SHARDS_LOADING, Duration.ofSeconds(2))
        .containsEntry(Phase.ROUTER_STARTING, Duration.ZERO)
        .doesNotContainKey(Phase.SERVING);
  }
}
