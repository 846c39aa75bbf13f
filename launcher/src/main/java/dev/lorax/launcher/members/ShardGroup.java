package dev.lorax.launcher.members;

import dev.lorax.launcher.health.HealthCheck;
import dev.lorax.launcher.process.MemberCommand;
import dev.lorax.launcher.process.MemberName;
import dev.lorax.launcher.process.MemberStartException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.LongFunction;

/** All shards of one epoch. They live and die together. Confined to the launcher's main thread. */
final class ShardGroup {

  /** For a shard to finish the step that it is in. */
  private static final Duration GRACE = Duration.ofSeconds(10);

  /** Of shards whose peer is gone: there is nothing that they could finish without it. */
  private static final Duration GRACE_WITHOUT_PEER = Duration.ofSeconds(2);

  private final long epoch;
  private final List<WatchedMember> shards;

  private ShardGroup(long epoch, List<WatchedMember> shards) {
    this.epoch = epoch;
    this.shards = shards;
  }

  /** Starts all or none. */
  static ShardGroup start(
      long epoch,
      List<MemberCommand> commands,
      Surroundings around,
      Function<MemberName, LongFunction<HealthCheck>> checks)
      throws MemberStartException, InterruptedException {
    List<WatchedMember> started = new ArrayList<>();
    var group = new ShardGroup(epoch, started);
    boolean complete = false;
    try {
      for (var command : commands) {
        started.add(WatchedMember.start(around, command, checks.apply(command.member())));
      }
      complete = true;
      return group;
    } finally {
      if (!complete) {
        group.stop(GRACE_WITHOUT_PEER);
      }
    }
  }

  /** What runs already, all shards of one epoch or a part of them. */
  static Optional<ShardGroup> adopt(
      int count, Surroundings around, Function<MemberName, LongFunction<HealthCheck>> checks)
      throws MemberStartException, InterruptedException {
    List<WatchedMember> running = new ArrayList<>();
    for (int index = 0; index < count; index++) {
      MemberName name = MemberName.shard(index);
      WatchedMember.adopt(around, name, checks.apply(name)).ifPresent(running::add);
    }
    return running.isEmpty()
        ? Optional.empty()
        : Optional.of(new ShardGroup(running.getFirst().epoch(), running));
  }

  long epoch() {
    return epoch;
  }

  /** Whether it can serve: a part of a group cannot, nor can shards of several epochs. */
  boolean isWhole(int count) {
    return shards.size() == count && shards.stream().allMatch(shard -> shard.epoch() == epoch);
  }

  /** Completes when all answer; never when one fails before. */
  CompletableFuture<Void> ready() {
    return CompletableFuture.allOf(
        shards.stream().map(WatchedMember::ready).toArray(CompletableFuture[]::new));
  }

  /** The first shard that fails takes the group with it. */
  CompletableFuture<MemberFailure> failure() {
    return CompletableFuture.anyOf(
            shards.stream().map(WatchedMember::failure).toArray(CompletableFuture[]::new))
        .thenApply(MemberFailure.class::cast);
  }

  /** SIGTERM to all at once, SIGKILL to those that stay. */
  void stop() {
    stop(GRACE);
  }

  /** Ends what is left after the failure of one of them. */
  void endAfter(MemberFailure failure) {
    if (failure.isHung()) {
      // The others hang, too, as soon as they wait for what this one should send.
      shards.forEach(WatchedMember::kill);
      shards.forEach(WatchedMember::awaitEnd);
    } else {
      stop(GRACE_WITHOUT_PEER);
    }
  }

  private void stop(Duration grace) {
    shards.forEach(shard -> shard.askToStop(grace));
    shards.forEach(WatchedMember::awaitEnd);
  }
}
