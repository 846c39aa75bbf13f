package dev.lorax.router.encoding;

import dev.lorax.router.batching.ShardException;
import dev.lorax.router.batching.Ticker;
import dev.lorax.router.generation.Rejection;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The one thread that sends texts to the shards, many in a call. {@link #submit}, {@link #use} and
 * {@link #nextId} are thread-safe, everything else is confined to the thread of {@link #start}.
 *
 * <p>One call is under way at a time. A text that makes its call fail fails alone. A call leaves
 * nothing on the shards, so one that loses them is made again with the next ones.
 */
public final class EncodingLoop {
  /** How long the loop sleeps at most: entries may expire meanwhile. */
  private static final long TICK_MILLIS = 250;

  /** The same while entries wait for adapters, whose arrival nobody announces here. */
  private static final long ADAPTER_TICK_MILLIS = 20;

  /** An entry that is there when shards are lost this often may well be why. */
  private static final int MOST_LOSSES = 2;

  private static final Rejection SHUTTING_DOWN =
      Rejection.unavailable("the server is shutting down");

  /** Bounded by the tokens that may wait. */
  private final BlockingQueue<Command> commands = new LinkedBlockingQueue<>();

  private final EncodingObserver observer;
  private final Ticker ticker;
  private final Occupancy inside;
  private final Seats seats;
  private final Pace pace;
  private final EncodingQueue queue = new EncodingQueue();
  private final AtomicLong nextId = new AtomicLong();
  private @Nullable EncodingShards shards;
  private @Nullable Thread thread;
  private volatile boolean ended;

  /**
   * @param neighbours generations on the same shards
   */
  public EncodingLoop(
      EncodingLimits limits,
      AdapterPlaces adapters,
      Neighbours neighbours,
      EncodingObserver observer,
      Ticker ticker) {
    this.observer = observer;
    this.ticker = ticker;
    this.inside = new Occupancy(limits.maxWaitingTokens());
    this.seats = new Seats(adapters, inside, ticker);
    this.pace = new Pace(limits.maxCallTokens(), neighbours);
  }

  /** An id for an entry. */
  public long nextId() {
    return nextId.getAndIncrement();
  }

  /** Queues all entries of a request, or says why none. */
  public @Nullable Rejection submit(List<EncodingEntry> entries) {
    if (!inside.admit(entries)) {
      return Rejection.overloaded();
    }
    var command = new Submit(List.copyOf(entries));
    commands.add(command);
    // What came after the end stays where nobody looks any more.
    return ended && commands.remove(command) ? SHUTTING_DOWN : null;
  }

  /** Calls go to these shards from now on. */
  public void use(EncodingShards connected) {
    commands.add(new Connected(connected));
  }

  public void start() {
    thread = Thread.ofPlatform().name("encoding-loop").start(this::run);
  }

  /** Fails what is inside and ends the thread; a call under way is waited for. */
  public void stop() throws InterruptedException {
    commands.add(new Stop());
    if (thread != null) {
      thread.join();
    }
  }

  /** Obeys what has been said until now and makes one turn, for a loop that was not started. */
  void turnOnce() throws InterruptedException {
    for (Command command = commands.poll(); command != null; command = commands.poll()) {
      obey(command);
    }
    turn();
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

  private void leave() {
    ended = true;
    for (Command command = commands.poll(); command != null; command = commands.poll()) {
      if (command instanceof Submit) {
        obey(command);
      }
    }
    var outcome = new EncodingOutcome.Failed(SHUTTING_DOWN);
    remove(_ -> true).forEach(entry -> inside.settle(entry, outcome));
  }

  private boolean takeCommands() throws InterruptedException {
    Command command = commands.poll(patienceNanos(), TimeUnit.NANOSECONDS);
    for (; command != null; command = commands.poll()) {
      if (command instanceof Stop) {
        return false;
      }
      obey(command);
    }
    return true;
  }

  private long patienceNanos() {
    long tick = seats.awaited() ? ADAPTER_TICK_MILLIS : TICK_MILLIS;
    long nanos = TimeUnit.MILLISECONDS.toNanos(tick);
    boolean busy = shards != null && !queue.isEmpty();
    return busy ? Math.min(pace.pauseNanos(ticker.nanos()), nanos) : nanos;
  }

  private void obey(Command command) {
    switch (command) {
      case Submit submit -> {
        inside.entered(submit.entries());
        submit.entries().forEach(queue::add);
      }
      case Connected connected -> {
        shards = connected.shards();
        seats.forget();
      }
      case Stop _ -> throw new IllegalStateException("stop is not obeyed here");
    }
  }

  private void turn() throws InterruptedException {
    long now = ticker.nanos();
    leave(EncodingEntry::cancelled, "nobody waits for it");
    leave(entry -> entry.expired(now), "request waited too long in the queue");
    EncodingShards to = shards;
    if (to != null) {
      seats.seatWaiting(to, queue::add);
      if (pace.pauseNanos(now) == 0) {
        var seated = new ArrayList<EncodingEntry>();
        queue.take(pace.budget()).forEach(entry -> seats.seat(to, entry, seated::add));
        if (!seated.isEmpty()) {
          long taken = Occupancy.tokens(seated);
          observer.texts(inside.texts() - seated.size(), inside.tokens() - taken, seated.size());
          call(to, seated);
        }
      }
    }
    observer.texts(inside.texts(), inside.tokens(), 0);
  }

  private void leave(Predicate<EncodingEntry> leaves, String reason) {
    remove(leaves)
        .forEach(entry ->
            inside.fail(
                entry,
                shards == null
                    ? reason + ": the shards are not connected"
                    : "%s: adapter `%s` or a place in a call did not become free"
                        .formatted(reason, entry.adapter().label())));
  }

  private List<EncodingEntry> remove(Predicate<EncodingEntry> leaves) {
    List<EncodingEntry> removed = queue.remove(leaves);
    removed.addAll(seats.removeIf(leaves));
    return removed;
  }

  private void call(EncodingShards to, List<EncodingEntry> batch) throws InterruptedException {
    long start = ticker.nanos();
    EncodingTask task = batch.getFirst().task();
    try {
      List<Encoding> answers = to.encode(task, batch).await();
      observer.stepSucceeded(task.step(), batch.size(), ticker.nanos() - start);
      deliver(batch, answers, start);
    } catch (ShardException e) {
      observer.stepFailed(task.step(), batch.size(), e.reason());
      switch (e) {
        case ShardException.Refused refused -> blame(to, batch, refused);
        case ShardException.Lost lost -> lose(batch, lost.reason());
        // Nobody would bring other shards if these get over it.
        case ShardException.TimedOut late ->
            batch.forEach(entry -> inside.fail(entry, late.reason()));
      }
    } catch (RuntimeException e) {
      observer.unexpected(e);
      batch.forEach(entry -> inside.fail(entry, "internal error in the router: " + e));
    }
    pace.called(Occupancy.tokens(batch), start, ticker.nanos());
  }

  private void deliver(List<EncodingEntry> batch, List<Encoding> answers, long start) {
    var byId = new HashMap<Long, Encoding>();
    answers.forEach(answer -> byId.put(answer.entryId(), answer));
    long end = ticker.nanos();
    for (EncodingEntry entry : batch) {
      Encoding answer = byId.get(entry.id());
      if (answer == null) {
        inside.settle(entry, new EncodingOutcome.Failed(unanswered(entry.task())));
      } else {
        inside.settle(entry, new EncodingOutcome.Encoded(answer, start, end));
      }
    }
  }

  /** Fails those over whom the call failed, and makes it again for the others. */
  private void blame(EncodingShards to, List<EncodingEntry> batch, ShardException.Refused refused)
      throws InterruptedException {
    if (refused.culprits().isEmpty() && batch.size() > 1) {
      for (EncodingEntry alone : batch) {
        if (shards == to) {
          call(to, List.of(alone));
        } else {
          queue.putBack(List.of(alone));
        }
      }
      return;
    }
    var others = new ArrayList<EncodingEntry>();
    for (EncodingEntry entry : batch) {
      if (!refused.culprits().isEmpty() && !refused.culprits().contains(entry.id())) {
        others.add(entry);
      } else if (seats.keeps(to, entry)) {
        inside.fail(entry, "Server error: " + refused.reason());
      }
    }
    queue.putBack(others);
  }

  private void lose(List<EncodingEntry> batch, String reason) {
    shards = null;
    var again = new ArrayList<EncodingEntry>();
    for (EncodingEntry entry : batch) {
      if (entry.lost() < MOST_LOSSES) {
        again.add(entry);
      } else {
        inside.fail(entry, "Connection to the shards lost: " + reason);
      }
    }
    queue.putBack(again);
  }

  private static Rejection unanswered(EncodingTask task) {
    return switch (task) {
      case EMBED -> new Rejection(Rejection.Kind.EMBEDDING, "Embedding Failure");
      case CLASSIFY -> new Rejection(Rejection.Kind.CLASSIFICATION, "Classification Failure");
    };
  }

  private sealed interface Command {}

  private record Submit(List<EncodingEntry> entries) implements Command {}

  private record Connected(EncodingShards shards) implements Command {}

  private record Stop() implements Command {}
}
