package dev.lorax.launcher.members;

import dev.lorax.launcher.health.HealthCheck;
import dev.lorax.launcher.model.ModelDirectory;
import dev.lorax.launcher.process.MemberName;
import dev.lorax.launcher.process.MemberStartException;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The shards over all epochs: when one fails, all are started anew. Confined to the launcher's main
 * thread; an interrupt of it means stop.
 */
public final class Shards {

  private static final Logger LOG = LoggerFactory.getLogger("launcher");

  private final ShardCommands commands;
  private final EpochDirectories epochs;
  private final Surroundings around;
  private final Restarts restarts;
  private @Nullable ShardGroup group;
  private boolean published;

  public Shards(ShardCommands commands, EpochDirectories epochs, Surroundings around) {
    this.commands = commands;
    this.epochs = epochs;
    this.around = around;
    this.restarts = new Restarts("shards", MemberName.Role.SHARD, around);
  }

  /** What happens to the shards next. */
  sealed interface Event {
    record Ready() implements Event {}

    record Failed(MemberFailure failure) implements Event {}
  }

  /** Starts the first epoch, or adopts the one that an earlier launcher left running. */
  public void start(ModelDirectory model) throws MemberException, InterruptedException {
    try {
      Optional<ShardGroup> running = usedBefore() ? adopt() : Optional.empty();
      use(running.isPresent() ? running.get() : startEpoch(model));
    } catch (MemberStartException e) {
      throw new MemberException(e);
    }
  }

  /**
   * Waits until all answer. What would fail the next time as well is final; after a crash or when
   * the time was too short the shards are started again, as they would be later.
   */
  public void awaitReady(ModelDirectory model) throws MemberException, InterruptedException {
    try {
      while (next().get() instanceof Event.Failed(var failure)) {
        if (failure.endsFirstStart()) {
          throw restarts.giveUp(failure);
        }
        restart(failure, model);
      }
      publish();
    } catch (ExecutionException e) {
      throw new AssertionError("no event completes exceptionally", e);
    }
  }

  /** Once ready, only a failure can be next. */
  CompletableFuture<Event> next() {
    CompletableFuture<Event> failed = started().failure().thenApply(Event.Failed::new);
    if (published) {
      return failed;
    }
    CompletableFuture<Event> ready = started().ready().thenApply(all -> new Event.Ready());
    return CompletableFuture.anyOf(failed, ready).thenApply(Event.class::cast);
  }

  /** Ends what is left of the epoch and starts the next; throws when the budget is spent. */
  void restart(MemberFailure first, ModelDirectory model)
      throws MemberException, InterruptedException {
    MemberFailure failure = first;
    boolean served = published;
    while (true) {
      try {
        restarts.prepare(failure, served, () -> endGroup(first));
        use(startEpoch(model));
        return;
      } catch (MemberStartException e) {
        served = false;
        failure = MemberFailure.notStarted(MemberName.shard(0), e);
      }
    }
  }

  /** Leads the router to the shards, all of which are ready. */
  void publish() throws MemberException {
    try {
      epochs.publish(started().epoch());
      published = true;
      LOG.atInfo().addKeyValue("epoch", started().epoch()).log("all shards ready");
    } catch (IOException e) {
      throw new MemberException(epochs.base(), e);
    }
  }

  /** Harmless when nothing was started. */
  public void stop() {
    if (group != null) {
      group.stop();
      group = null;
    }
  }

  /** For the launcher's own end, when nobody needs the sockets any more. */
  public void removeSockets() {
    try {
      epochs.removeAll();
    } catch (IOException e) {
      LOG.atWarn().addKeyValue("reason", e.getMessage()).log("sockets not removed");
    }
  }

  private void use(ShardGroup started) {
    group = started;
    published = false;
  }

  private void endGroup(MemberFailure failure) {
    if (group != null) {
      group.endAfter(failure);
      group = null;
    }
  }

  private ShardGroup startEpoch(ModelDirectory model)
      throws MemberException, MemberStartException, InterruptedException {
    try {
      long epoch = epochs.createNext();
      var startCommands = commands.forEpoch(epoch, epochs.shardSockets(epoch), model);
      ShardGroup started = ShardGroup.start(epoch, startCommands, around, this::checkOf);
      LOG.atInfo()
          .addKeyValue("epoch", epoch)
          .addKeyValue("shards", commands.count())
          .log("shards started, loading the model");
      return started;
    } catch (IOException e) {
      throw new MemberException(epochs.base(), e);
    }
  }

  private LongFunction<HealthCheck> checkOf(MemberName shard) {
    return epoch -> around.checks().shard(epochs.shardSocket(epoch, shard.index()));
  }

  private boolean usedBefore() throws MemberException {
    try {
      return epochs.anyExists();
    } catch (IOException e) {
      throw new MemberException(epochs.base(), e);
    }
  }

  private Optional<ShardGroup> adopt() throws MemberStartException, InterruptedException {
    Optional<ShardGroup> running = ShardGroup.adopt(commands.count(), around, this::checkOf);
    if (running.isPresent() && !running.get().isWhole(commands.count())) {
      LOG.atWarn().log("stopping an incomplete shard group");
      running.get().stop();
      return Optional.empty();
    }
    running.ifPresent(found ->
        LOG.atInfo().addKeyValue("epoch", found.epoch()).log("adopted the running shards"));
    return running;
  }

  private ShardGroup started() {
    if (group == null) {
      throw new IllegalStateException("no shards were started");
    }
    return group;
  }
}
