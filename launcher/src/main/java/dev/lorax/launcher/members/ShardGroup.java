package dev.lorax.launcher.members;

import dev.lorax.launcher.process.MemberCommand;
import dev.lorax.launcher.process.MemberStartException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** All shards of one epoch. They live and die together. Confined to the launcher's main thread. */
final class ShardGroup {

  /** For a shard to finish the step that it is in. */
  private static final Duration GRACE = Duration.ofSeconds(10);

  private final long epoch;
  private final List<WatchedMember> shards;

  private ShardGroup(long epoch, List<WatchedMember> shards) {
    this.epoch = epoch;
    this.shards = shards;
  }

  /** Starts all or none. */
  static ShardGroup start(long epoch, List<MemberCommand> commands, Surroundings surroundings)
      throws MemberException, InterruptedException {
    List<WatchedMember> started = new ArrayList<>();
    var group = new ShardGroup(epoch, started);
    boolean complete = false;
    try {
      for (var command : commands) {
        started.add(WatchedMember.start(surroundings.host(), command, surroundings.status()));
      }
      complete = true;
      return group;
    } catch (MemberStartException e) {
      throw new MemberException(e);
    } finally {
      if (!complete) {
        group.stop();
      }
    }
  }

  static ShardGroup of(List<WatchedMember> running) {
    return new ShardGroup(running.getFirst().epoch(), List.copyOf(running));
  }

  long epoch() {
    return epoch;
  }

  List<WatchedMember> shards() {
    return shards;
  }

  /** The first shard that ends takes the group with it. */
  CompletableFuture<MemberFailure> failure() {
    return CompletableFuture.anyOf(
            shards.stream().map(WatchedMember::failure).toArray(CompletableFuture[]::new))
        .thenApply(MemberFailure.class::cast);
  }

  /** Waits until all answer; a shard that ends first, or the deadline, is a failure. */
  Outcome awaitReady(Surroundings surroundings, EpochDirectories epochs)
      throws InterruptedException {
    CompletableFuture<Object> ready =
        CompletableFuture.allOf(
                shards.stream()
                    .map(shard -> shard.readyAfter(probe(shard, surroundings, epochs)))
                    .toArray(CompletableFuture[]::new))
            .thenApply(all -> new Outcome.Ready());
    CompletableFuture<Object> failed = failure().thenApply(Outcome.Failed::new);
    Duration timeout = surroundings.restarts().startupTimeout();
    try {
      return (Outcome)
          CompletableFuture.anyOf(ready, failed).get(timeout.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      return new Outcome.Failed(slowest().notReadyWithin(timeout));
    } catch (ExecutionException e) {
      // A probe was given up because its shard ended, and that is on its way to us.
      return (Outcome) failed.join();
    }
  }

  private CompletableFuture<Void> probe(
      WatchedMember shard, Surroundings surroundings, EpochDirectories epochs) {
    return surroundings.probe().shard(epochs.shardSocket(epoch, shard.name().index()));
  }

  sealed interface Outcome {
    record Ready() implements Outcome {}

    record Failed(MemberFailure failure) implements Outcome {}
  }

  private WatchedMember slowest() {
    return shards.stream().filter(shard -> !shard.isReady()).findFirst().orElse(shards.getFirst());
  }

  /** SIGTERM to all at once, SIGKILL to those that stay. */
  void stop() {
    shards.forEach(shard -> shard.askToStop(GRACE));
    shards.forEach(WatchedMember::awaitEnd);
  }
}
