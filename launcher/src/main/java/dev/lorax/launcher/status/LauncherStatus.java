package dev.lorax.launcher.status;

import dev.lorax.launcher.process.MemberName;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What is known of the members and of the way to here. Thread-safe. */
public final class LauncherStatus {

  private static final Logger LOG = LoggerFactory.getLogger("launcher");

  private final InstantSource clock;
  private final Map<MemberName, MemberState> members = new LinkedHashMap<>();
  private final Map<MemberName.Role, Integer> restarts = new EnumMap<>(MemberName.Role.class);
  private final Map<Phase, Duration> startDurations = new EnumMap<>(Phase.class);
  private Phase phase = Phase.DOWNLOADING;
  private Instant since;
  private boolean modelReady;
  private boolean stopping;

  public LauncherStatus(int shardCount, InstantSource clock) {
    this.clock = clock;
    this.since = clock.instant();
    for (int index = 0; index < shardCount; index++) {
      members.put(MemberName.shard(index), new MemberState.Waiting());
    }
    members.put(MemberName.ROUTER, new MemberState.Waiting());
    for (var role : MemberName.Role.values()) {
      restarts.put(role, 0);
    }
  }

  /**
   * One consistent look.
   *
   * @param startDurations how long each phase of the first start took, as far as it came
   */
  public record Snapshot(
      Phase phase,
      Instant since,
      boolean modelReady,
      Map<MemberName, MemberState> members,
      Map<MemberName.Role, Integer> restarts,
      Map<Phase, Duration> startDurations) {}

  public synchronized Snapshot snapshot() {
    return new Snapshot(
        phase,
        since,
        modelReady,
        new LinkedHashMap<>(members),
        new EnumMap<>(restarts),
        new EnumMap<>(startDurations));
  }

  public synchronized void modelReady() {
    modelReady = true;
    follow();
  }

  public synchronized void starting(MemberName member, long epoch) {
    change(
        member,
        state ->
            switch (state) {
              case MemberState.Waiting waiting -> waiting.start(epoch, clock.instant());
              case MemberState.Ended ended -> ended.start(epoch, clock.instant());
              case MemberState.Loading running -> throw stillThere(member, running);
              case MemberState.Ready running -> throw stillThere(member, running);
            });
  }

  /** Ignored when that epoch of the member is over. */
  public synchronized void ready(MemberName member, long epoch) {
    change(
        member,
        state ->
            state instanceof MemberState.Loading loading && loading.epoch() == epoch
                ? loading.ready(clock.instant())
                : state);
  }

  /** Ignored when that epoch of the member is over already. */
  public synchronized void ended(MemberName member, long epoch, String reason) {
    change(
        member,
        state ->
            switch (state) {
              case MemberState.Loading loading when loading.epoch() == epoch ->
                  loading.end(reason, clock.instant());
              case MemberState.Ready ready when ready.epoch() == epoch ->
                  ready.end(reason, clock.instant());
              case MemberState.Loading other -> other;
              case MemberState.Ready other -> other;
              case MemberState.Waiting other -> other;
              case MemberState.Ended other -> other;
            });
  }

  public synchronized void restarted(MemberName.Role role) {
    restarts.merge(role, 1, Integer::sum);
  }

  public synchronized void stopping() {
    stopping = true;
    follow();
  }

  private static IllegalStateException stillThere(MemberName member, MemberState state) {
    return new IllegalStateException("cannot start %s: it is %s".formatted(member, state.word()));
  }

  private void change(MemberName member, UnaryOperator<MemberState> transition) {
    members.computeIfPresent(member, (name, state) -> transition.apply(state));
    follow();
  }

  private void follow() {
    Phase next = derivedPhase();
    if (next == phase) {
      return;
    }
    Instant now = clock.instant();
    if (!startDurations.containsKey(Phase.ROUTER_STARTING)) {
      startDurations.putIfAbsent(phase, Duration.between(since, now));
    }
    LOG.atInfo()
        .addKeyValue("after", "%.1fs".formatted(Duration.between(since, now).toMillis() / 1000.0))
        .log(next.sentence());
    phase = next;
    since = now;
  }

  private Phase derivedPhase() {
    if (stopping) {
      return Phase.STOPPING;
    }
    if (!modelReady) {
      return Phase.DOWNLOADING;
    }
    for (var member : members.entrySet()) {
      if (!(member.getValue() instanceof MemberState.Ready)) {
        return member.getKey().role() == MemberName.Role.SHARD
            ? Phase.SHARDS_LOADING
            : Phase.ROUTER_STARTING;
      }
    }
    return Phase.SERVING;
  }
}
