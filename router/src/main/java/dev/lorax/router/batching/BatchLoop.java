package dev.lorax.router.batching;

import dev.lorax.router.adapter.AdapterStatus;
import dev.lorax.router.adapter.ResidencyLimits;
import dev.lorax.router.generation.Rejection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * The one thread that owns queues, blocks and adapters. {@link #submit} and {@link #status} are
 * thread-safe, everything else is confined to the thread of {@link #start}.
 *
 * <p>It survives its shards: when they are lost, running requests wait with the others, at most
 * until their deadline, and the loop goes on as soon as the connector brings new shards.
 */
public final class BatchLoop {
  /** How long the loop sleeps at most when nothing runs: waiting requests may expire meanwhile. */
  private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(250);

  private static final Rejection SHUTTING_DOWN =
      Rejection.unavailable("the server is shutting down");

  private final Inbox inbox;
  private final BatchLimits limits;
  private final BatchObserver observer;
  private final Ticker ticker;
  private final Backlog backlog;
  private final ShardSearch search;
  private final WaitingEntries waiting;
  private final Residency residency;
  private @Nullable BatchSession session;
  private boolean draining;
  private @Nullable Thread thread;
  private volatile boolean busy;
  private volatile boolean ended;
  private volatile LoopStatus status = new LoopStatus(null, List.of());

  /**
   * @param commandCapacity how many commands may wait to be taken
   */
  public BatchLoop(
      BatchLimits limits,
      ResidencyLimits residency,
      int commandCapacity,
      ShardConnector connector,
      BatchEnvironment environment) {
    this(
        limits,
        residency,
        commandCapacity,
        connector,
        environment,
        // Their names show in thread dumps; a virtual thread only waits for a shard.
        task -> Thread.ofVirtual().name("adapter-mover").start(task),
        task -> Thread.ofVirtual().name("shard-connector").start(task));
  }

  /**
   * @param movers runs what moves adapters
   * @param connectors runs what looks for shards when they are lost
   */
  BatchLoop(
      BatchLimits limits,
      ResidencyLimits residency,
      int commandCapacity,
      ShardConnector connector,
      BatchEnvironment environment,
      Executor movers,
      Executor connectors) {
    this.limits = limits;
    this.observer = environment.observer();
    this.ticker = environment.ticker();
    this.backlog = environment.backlog();
    this.waiting = new WaitingEntries(limits.order());
    this.inbox = new Inbox(commandCapacity);
    this.search = new ShardSearch(connector, connectors, inbox);
    var mover = new AdapterMover(ticker, movers, this::post);
    this.residency = new Residency(residency, mover, waiting, observer, ticker);
  }

  /** Starts the loop with shards that are connected already. */
  public void start(ShardGroup shards) {
    post(new BatchCommand.Connected(shards));
    thread = Thread.ofPlatform().name("batch-loop").start(this::run);
  }

  /** Queues a request, or says why not. */
  public @Nullable Rejection submit(Entry entry) {
    int tokens = entry.request().tokens();
    Rejection refusal = backlog.refusal(tokens);
    if (refusal != null) {
      return refusal;
    }
    backlog.sent(tokens);
    if (offer(new BatchCommand.Submit(entry))) {
      return null;
    }
    backlog.returned(tokens);
    return ended ? SHUTTING_DOWN : Rejection.overloaded();
  }

  /** Hands over an order about an adapter; false means that nothing will happen. */
  public boolean order(AdapterOrder order) {
    return offer(new BatchCommand.Order(order));
  }

  /** Whether the loop will take it, if only to turn it away. */
  private boolean offer(BatchCommand command) {
    // One that came after the end stays where nobody looks any more.
    return inbox.offer(command) && !(ended && inbox.remove(command));
  }

  /** Why no request at all would be queued now, or null. */
  public @Nullable Rejection refusal() {
    return backlog.refusal(1);
  }

  public LoopStatus status() {
    return status;
  }

  /** From now on nobody waits for new shards to go on with what lost ones have begun. */
  public void drain() {
    post(new BatchCommand.Drain());
  }

  /** Whether requests run or wait; true from the moment the loop knows of one. */
  public boolean busy() {
    return busy;
  }

  /** Fails what still runs and waits, lets go of the shards and ends the thread. */
  public void stop() throws InterruptedException {
    post(new BatchCommand.Stop());
    if (thread != null) {
      thread.join();
    }
  }

  private void post(BatchCommand command) {
    try {
      inbox.put(command);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Obeys what has been said until now and makes one turn, for a loop that was not started. */
  void turnOnce() throws InterruptedException {
    for (BatchCommand command = inbox.poll(); command != null; command = inbox.poll()) {
      obey(command);
    }
    turn();
  }

  /** Takes shards, for a loop that was not started. */
  void connected(ShardGroup shards) {
    post(new BatchCommand.Connected(shards));
  }

  private void run() {
    try {
      while (takeCommands()) {
        turn();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      leave();
    }
  }

  /** Takes all commands there are, waiting for one if there is nothing else to do. */
  private boolean takeCommands() throws InterruptedException {
    boolean idle = session == null || session.idle();
    BatchCommand command = idle ? inbox.poll(TICK_NANOS) : inbox.poll();
    for (; command != null; command = inbox.poll()) {
      if (command instanceof BatchCommand.Stop) {
        return false;
      }
      obey(command);
    }
    return true;
  }

  private void obey(BatchCommand command) {
    switch (command) {
      case BatchCommand.Submit submit -> {
        int tokens = submit.entry().request().tokens();
        if (residency.queue(submit.entry())) {
          backlog.queued(tokens);
          lookAgain();
        } else {
          backlog.returned(tokens);
        }
      }
      case BatchCommand.Order order -> {
        residency.take(order.order());
        publish();
        lookAgain();
      }
      case BatchCommand.Connected connected -> connect(connected.shards());
      case BatchCommand.Drain _ -> {
        draining = true;
        if (session == null) {
          fail(waiting.removeInterrupted(0), SHUTTING_DOWN);
        }
      }
      case BatchCommand.FromShards news -> {
        if (session != null && session.shards() == news.shards()) {
          hear(news);
        }
      }
      case BatchCommand.Answered _ -> {}
      case BatchCommand.Stop _ -> throw new IllegalStateException("stop is not obeyed here");
    }
  }

  private void hear(BatchCommand.FromShards news) {
    switch (news) {
      case BatchCommand.Lost lost -> lose(lost.reason());
      case BatchCommand.Moved moved -> {
        if (moved instanceof BatchCommand.Offloaded && session != null) {
          session.forgetPrefixes(moved.adapter());
        }
        residency.hear(moved);
        publish();
        lookAgain();
      }
    }
  }

  private void turn() throws InterruptedException {
    long now = ticker.nanos();
    busy = isBusy();
    expire(now);
    if (session != null) {
      try {
        move(now);
        session.turn();
      } catch (ShardException e) {
        lose(e.reason());
      } catch (RuntimeException e) {
        observer.unexpected(e);
        String reason = "internal error in the router: " + e;
        fail(session.abandon(), Interruption.rejection(reason));
        lose(reason);
      }
    }
    busy = isBusy();
    long taken = waiting.takenSinceLast();
    backlog.turned(waiting.tokens(), taken, ticker.nanos(), session != null);
    int waits = waiting.size();
    observer.turned(
        session == null
            ? TurnState.withoutShards(waits, waiting.tokens())
            : session.state(waits, waiting.tokens()));
  }

  /**
   * Hears, while the shards compute, what concerns only those who wait: the adapter of a request
   * can be on its way, and an adapter that has been downloaded can be loaded, before the step ends.
   */
  private void hearDuring(Pending<?> call) throws InterruptedException {
    var answered = new AtomicBoolean();
    call.whenAnswered(() -> {
      answered.set(true);
      // If there is no room, the loop has something else to wake up for.
      inbox.offer(new BatchCommand.Answered());
    });
    for (long left = call.mostNanos(); !answered.get() && left > 0; left = call.mostNanos()) {
      BatchCommand command = inbox.pollNew(Math.min(left, TICK_NANOS));
      switch (command) {
        case null -> expire(ticker.nanos());
        case BatchCommand.Answered _ -> {}
        case BatchCommand.Submit _, BatchCommand.Order _, BatchCommand.Moved _ -> {
          obey(command);
          move(ticker.nanos());
        }
        default -> inbox.defer(command);
      }
    }
  }

  private void lookAgain() {
    if (session != null) {
      session.lookAgain();
    }
  }

  private void move(long now) {
    if (session != null && residency.advance(session.shards(), now)) {
      publish();
    }
  }

  private void expire(long now) {
    for (Entry entry : waiting.removeStale(now)) {
      if (!entry.cancelled()) {
        entry.sink().failed(expired(entry));
      }
    }
  }

  private boolean isBusy() {
    return waiting.size() > 0 || (session != null && !session.idle());
  }

  private Rejection expired(Entry entry) {
    String reason =
        session == null
            ? "the shards are not connected"
            : "adapter `%s` or a place in the batch did not become free"
                .formatted(entry.adapterKey().label());
    return Rejection.generation("request waited too long in the queue: " + reason);
  }

  private void connect(ShardGroup shards) {
    residency.startOver(shards.profile().preloadedAdapters(), List.of());
    if (!shards.profile().resumes()) {
      String reason = "the new ones cannot go on with what was generated";
      fail(waiting.removeInterrupted(1), Interruption.rejection(reason));
    }
    session = new BatchSession(shards, limits, waiting, observer, ticker, this::hearDuring);
    shards
        .lost()
        .thenAcceptAsync(
            reason -> post(new BatchCommand.Lost(shards, reason)), Thread::startVirtualThread);
    observer.connected(shards.profile());
    publish();
  }

  private void lose(String reason) {
    BatchSession lost = session;
    if (lost == null) {
      return;
    }
    session = null;
    boolean resumable = lost.shards().profile().resumes();
    var interruption = new Interruption(reason, resumable, ticker.nanos());
    Set<Entry> stepping = lost.stepping();
    List<Entry> interrupted = interruption.take(lost.abandon(), stepping);
    if (draining) {
      fail(interrupted, Interruption.rejection(reason));
      interrupted = List.of();
    }
    observer.lost(reason, interrupted.size());
    lost.shards().close();
    residency.startOver(List.of(), interrupted);
    publish();
    search.begin();
  }

  private void leave() {
    ended = true;
    search.end();
    for (BatchCommand command = inbox.poll(); command != null; command = inbox.poll()) {
      turnAway(command);
    }
    fail(waiting.removeAll(), SHUTTING_DOWN);
    if (session != null) {
      fail(session.abandon(), SHUTTING_DOWN);
      session.shards().close();
    }
  }

  /** Owes nothing for what came too late to be obeyed. */
  private void turnAway(BatchCommand command) {
    switch (command) {
      case BatchCommand.Submit submit -> {
        backlog.returned(submit.entry().request().tokens());
        submit.entry().sink().failed(SHUTTING_DOWN);
      }
      case BatchCommand.Order order ->
          order.order().outcome().complete(new AdapterOrder.Outcome.Refused(SHUTTING_DOWN));
      case BatchCommand.Connected connected -> connected.shards().close();
      case BatchCommand.FromShards _,
          BatchCommand.Drain _,
          BatchCommand.Stop _,
          BatchCommand.Answered _ -> {}
    }
  }

  private static void fail(List<Entry> entries, Rejection rejection) {
    entries.forEach(entry -> entry.sink().failed(rejection));
  }

  private void publish() {
    List<AdapterStatus> all = residency.statuses();
    status = new LoopStatus(session == null ? null : session.shards().profile(), all);
    observer.adapters(all);
  }
}
