package dev.lorax.launcher.status;

import dev.lorax.launcher.download.Progress;
import dev.lorax.launcher.failure.FailureCode;
import dev.lorax.launcher.process.MemberName;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What is known of the members and of the way to here. Thread-safe. */
public final class LauncherStatus {

  private static final Logger LOG = LoggerFactory.getLogger("launcher");

  private final InstantSource clock;
  private final Map<MemberName, MemberState> members = new LinkedHashMap<>();
  private final Map<MemberName, Instant> answers = new HashMap<>();
  private final Map<Restart, Integer> restarts = new TreeMap<>();
  private final PhaseTimes times = new PhaseTimes();
  private final Progress progress = new Progress();
  private Phase phase = Phase.DOWNLOADING;
  private Instant since;
  private boolean modelReady;
  private boolean stopping;
  private @Nullable Failure lastFailure;

  public LauncherStatus(int shardCount, InstantSource clock) {
    this.clock = clock;
    this.since = clock.instant();
    for (int index = 0; index < shardCount; index++) {
      members.put(MemberName.shard(index), new MemberState.Waiting());
    }
    members.put(MemberName.ROUTER, new MemberState.Waiting());
  }

  /** For those who download and convert. */
  public Progress progress() {
    return progress;
  }

  /**
   * One consistent look.
   *
   * @param progress null while nothing is downloaded or converted
   */
  public record Snapshot(
      Phase phase,
      Instant since,
      Instant now,
      boolean modelReady,
      Map<MemberName, MemberState> members,
      Map<MemberName, Instant> answers,
      Map<Restart, Integer> restarts,
      PhaseTimes times,
      @Nullable Failure lastFailure,
      Progress.@Nullable Snapshot progress,
      long downloadedBytes) {

    int restarts(MemberName.Role role) {
      return restarts.entrySet().stream()
          .filter(entry -> entry.getKey().role() == role)
          .mapToInt(Map.Entry::getValue)
          .sum();
    }

    /** Of the shard group; 0 before its first start. */
    long epoch() {
      return switch (members.get(MemberName.shard(0))) {
        case MemberState.Loading loading -> loading.epoch();
        case MemberState.Ready ready -> ready.epoch();
        case MemberState.Ended ended -> ended.epoch();
        case MemberState.Waiting waiting -> 0;
        case null -> 0;
      };
    }
  }

  /** Why something is started again. */
  public record Restart(MemberName.Role role, FailureCause cause) implements Comparable<Restart> {
    @Override
    public int compareTo(Restart other) {
      int byRole = role.compareTo(other.role);
      return byRole != 0 ? byRole : cause.compareTo(other.cause);
    }
  }

  /**
   * What went wrong last.
   *
   * @param reason in one sentence for a person
   */
  public record Failure(FailureCode code, String reason, Instant at) {}

  public synchronized Snapshot snapshot() {
    return new Snapshot(
        phase,
        since,
        clock.instant(),
        modelReady,
        new LinkedHashMap<>(members),
        new HashMap<>(answers),
        new TreeMap<>(restarts),
        times.copy(),
        lastFailure,
        progress.snapshot().orElse(null),
        progress.downloadedBytes());
  }

  public synchronized void modelReady() {
    modelReady = true;
    follow();
  }

  public synchronized void starting(MemberName member, long epoch) {
    answers.remove(member);
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

  /** It was ready and is no more, though its process runs; ignored when that epoch is over. */
  public synchronized void unready(MemberName member, long epoch) {
    change(
        member,
        state ->
            state instanceof MemberState.Ready ready && ready.epoch() == epoch
                ? ready.unready(clock.instant())
                : state);
  }

  /** It gave a sign of life. */
  public synchronized void answered(MemberName member) {
    answers.put(member, clock.instant());
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

  /** Something went wrong, whether or not it can be mended. */
  public synchronized void failed(FailureCode code, String reason) {
    lastFailure = new Failure(code, reason, clock.instant());
  }

  public synchronized void restarted(MemberName.Role role, FailureCause cause) {
    restarts.merge(new Restart(role, cause), 1, Integer::sum);
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
    times.passed(phase, Duration.between(since, now));
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
