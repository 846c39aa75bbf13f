package dev.lorax.launcher.members;

import dev.lorax.launcher.model.ModelDirectory;
import dev.lorax.launcher.process.MemberName;
import dev.lorax.launcher.process.MemberStartException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
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
  private final Surroundings surroundings;
  private final RestartBudget budget;
  private @Nullable ShardGroup group;

  public Shards(ShardCommands commands, EpochDirectories epochs, Surroundings surroundings) {
    this.commands = commands;
    this.epochs = epochs;
    this.surroundings = surroundings;
    this.budget = new RestartBudget(surroundings.restarts(), surroundings.clock());
  }

  /** Starts the first epoch, or adopts the one that an earlier launcher left running. */
  public void start(ModelDirectory model) throws MemberException, InterruptedException {
    Optional<ShardGroup> running = usedBefore() ? adopt() : Optional.empty();
    group = running.isPresent() ? running.get() : startEpoch(model);
  }

  /** A failure here is final: what cannot start once will hardly start the next time. */
  public void awaitReady() throws MemberException, InterruptedException {
    switch (ready()) {
      case ShardGroup.Outcome.Ready() -> {}
      case ShardGroup.Outcome.Failed(var failure) -> throw new MemberException(failure.sentence());
    }
  }

  CompletableFuture<MemberFailure> failure() {
    return started().failure();
  }

  /** Starts epochs until one is ready; throws when the budget is spent. */
  void restart(MemberFailure first, ModelDirectory model)
      throws MemberException, InterruptedException {
    var failure = first;
    while (true) {
      Duration pause = pauseAfter(failure);
      stop();
      Thread.sleep(pause);
      surroundings.status().restarted(MemberName.Role.SHARD);
      group = startEpoch(model);
      switch (ready()) {
        case ShardGroup.Outcome.Ready() -> {
          return;
        }
        case ShardGroup.Outcome.Failed(var again) -> failure = again;
      }
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

  private Duration pauseAfter(MemberFailure failure) throws MemberException {
    Duration pause =
        budget.spend().orElseThrow(() -> new MemberException(budget.exhausted(failure)));
    LOG.atError()
        .addKeyValue("reason", failure.sentence())
        .addKeyValue("pause_ms", pause.toMillis())
        .log("shards failed, starting all of them again");
    return pause;
  }

  private ShardGroup startEpoch(ModelDirectory model) throws MemberException, InterruptedException {
    try {
      long epoch = epochs.createNext();
      var startCommands = commands.forEpoch(epoch, epochs.shardSockets(epoch), model);
      ShardGroup started = ShardGroup.start(epoch, startCommands, surroundings);
      LOG.atInfo()
          .addKeyValue("epoch", epoch)
          .addKeyValue("shards", commands.count())
          .log("shards started, loading the model");
      return started;
    } catch (IOException e) {
      throw new MemberException(epochs.base(), e);
    }
  }

  private ShardGroup.Outcome ready() throws MemberException, InterruptedException {
    var outcome = started().awaitReady(surroundings, epochs);
    if (outcome instanceof ShardGroup.Outcome.Ready) {
      publish(started().epoch());
    }
    return outcome;
  }

  private void publish(long epoch) throws MemberException {
    try {
      epochs.publish(epoch);
      LOG.atInfo().addKeyValue("epoch", epoch).log("all shards ready");
    } catch (IOException e) {
      throw new MemberException(epochs.base(), e);
    }
  }

  private boolean usedBefore() throws MemberException {
    try {
      return epochs.anyExists();
    } catch (IOException e) {
      throw new MemberException(epochs.base(), e);
    }
  }

  /** All shards of one epoch, or none: a part of a group cannot serve and is stopped. */
  private Optional<ShardGroup> adopt() throws MemberException, InterruptedException {
    List<WatchedMember> running = new ArrayList<>();
    try {
      for (int index = 0; index < commands.count(); index++) {
        WatchedMember.adopt(surroundings.host(), MemberName.shard(index), surroundings.status())
            .ifPresent(running::add);
      }
    } catch (MemberStartException e) {
      throw new MemberException(e);
    }
    if (running.isEmpty()) {
      return Optional.empty();
    }
    var found = ShardGroup.of(running);
    long epochsFound = running.stream().mapToLong(WatchedMember::epoch).distinct().count();
    if (running.size() == commands.count() && epochsFound == 1) {
      LOG.atInfo().addKeyValue("epoch", found.epoch()).log("adopted the running shards");
      return Optional.of(found);
    }
    LOG.atWarn().addKeyValue("running", running.size()).log("stopping an incomplete shard group");
    found.stop();
    return Optional.empty();
  }

  private ShardGroup started() {
    if (group == null) {
      throw new IllegalStateException("no shards were started");
    }
    return group;
  }
}
