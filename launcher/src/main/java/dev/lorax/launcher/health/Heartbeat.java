package dev.lorax.launcher.health;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/**
 * Asks a member how it is from its start to its end: often until it is ready, then every two
 * seconds. Thread-safe.
 *
 * <p>Silence is counted in pauses between questions and not read from a clock: a launcher that was
 * itself suspended (a laptop that slept, Ctrl-Z) counts one pause and asks again, where a clock
 * would take every member for hung.
 */
public final class Heartbeat implements AutoCloseable {

  private static final Duration UNTIL_READY = Duration.ofMillis(100);
  private static final Duration USUAL = Duration.ofSeconds(2);

  /** Questions that must all stay unanswered, however short the timeout. */
  private static final int LEAST_QUESTIONS = 5;

  private final HealthCheck check;
  private final Timeouts timeouts;
  private final Listener listener;
  private final CompletableFuture<Void> firstReady = new CompletableFuture<>();
  private final CompletableFuture<Distress> distress = new CompletableFuture<>();
  private final Thread thread;

  private boolean ready;
  private boolean known;
  private boolean expected = true;
  private boolean refused;
  private String reason = "no answer";
  private Duration silence = Duration.ZERO;
  private Duration unready = Duration.ZERO;
  private int openQuestions;
  private int expectation;

  /**
   * @param startup until it must be ready
   * @param silence without an answer, once it has answered, until it counts as hung
   */
  public record Timeouts(Duration startup, Duration silence) {}

  /** Told of what changes, in order. */
  public interface Listener {

    void answered();

    void ready();

    void unready();
  }

  private Heartbeat(String name, HealthCheck check, Timeouts timeouts, Listener listener) {
    this.check = check;
    this.timeouts = timeouts;
    this.listener = listener;
    this.thread = Thread.ofVirtual().name("heartbeat-" + name).unstarted(this::run);
  }

  /** Owns the check from now on. */
  public static Heartbeat start(
      String name, HealthCheck check, Timeouts timeouts, Listener listener) {
    var heartbeat = new Heartbeat(name, check, timeouts, listener);
    heartbeat.thread.start();
    return heartbeat;
  }

  /** Completes when the member is ready for the first time. */
  public CompletableFuture<Void> ready() {
    return firstReady.copy();
  }

  /** Completes when the member is of no use any more; never after {@link #close}. */
  public CompletableFuture<Distress> distress() {
    return distress.copy();
  }

  /** Whether the member answered the last question that is decided. */
  public synchronized boolean answers() {
    return known && !refused && !distress.isDone();
  }

  /** From now on the member need not be ready, only alive. */
  public synchronized void excuse() {
    expected = false;
    becomeUnready();
  }

  /** The member must become ready again, by an answer to a question that is asked after this. */
  public synchronized void expect() {
    expected = true;
    expectation++;
    unready = Duration.ZERO;
    becomeUnready();
    thread.interrupt();
  }

  @Override
  public void close() {
    distress.cancel(false);
    thread.interrupt();
  }

  private void run() {
    while (!distress.isDone()) {
      ask();
      Duration pause = pause();
      try {
        Thread.sleep(pause);
        count(pause);
      } catch (InterruptedException closedOrExpected) {
        // The loop's condition tells which.
      }
    }
    check.close();
  }

  private synchronized Duration pause() {
    Duration least = timeouts.silence().dividedBy(LEAST_QUESTIONS);
    Duration usual = least.compareTo(USUAL) < 0 ? least : USUAL;
    return !ready && expected ? UNTIL_READY : usual;
  }

  private void ask() {
    int asked;
    synchronized (this) {
      // A slow start gets one question at a time, a silent member a fresh one each time.
      if (!ready && expected && openQuestions > 0) {
        return;
      }
      openQuestions++;
      asked = expectation;
    }
    var _ = check.ask(timeouts.silence()).thenAccept(health -> heard(asked, health));
  }

  private synchronized void heard(int asked, Health health) {
    openQuestions--;
    if (distress.isDone()) {
      return;
    }
    switch (health) {
      case Health.Silent(var why) -> {
        refused = true;
        reason = why;
      }
      case Health.Alive() -> {
        isAlive();
        becomeUnready();
      }
      case Health.Ready() -> {
        isAlive();
        if (expected && asked == expectation) {
          becomeReady();
        }
      }
    }
  }

  private void isAlive() {
    known = true;
    refused = false;
    silence = Duration.ZERO;
    listener.answered();
  }

  private void becomeReady() {
    unready = Duration.ZERO;
    if (!ready) {
      ready = true;
      listener.ready();
      firstReady.complete(null);
    }
  }

  private void becomeUnready() {
    if (ready) {
      ready = false;
      listener.unready();
    }
  }

  private synchronized void count(Duration pause) {
    silence = known ? silence.plus(pause) : silence;
    unready = !ready && expected ? unready.plus(pause) : Duration.ZERO;
    if (silence.compareTo(timeouts.silence()) >= 0) {
      distress.complete(new Distress.Hung(silence, refused ? reason : "no answer"));
    } else if (unready.compareTo(timeouts.startup()) >= 0) {
      distress.complete(new Distress.Late(timeouts.startup()));
    }
  }
}
