package dev.lorax.launcher.faults;

import java.time.Duration;
import java.util.Optional;
import java.util.regex.Pattern;

/** A signal to one process of the group. */
record SignalFault(String words, Kind kind, String signal, String target) implements Fault {

  private static final Pattern KILL =
      Pattern.compile("(kill -9|SIGSTOP) of the (.+?)( for a while)?");
  private static final Pattern STOP = Pattern.compile("SIG(TERM|INT|HUP)( twice)? to the (.+)");

  /** Long enough for a busy machine, as others than the one that stands still must not miss it. */
  private static final Duration HEARTBEAT_TIMEOUT = Duration.ofSeconds(5);

  private static final Duration A_WHILE = HEARTBEAT_TIMEOUT.multipliedBy(2);

  /** By this alone a router ends that stands still while it drains. */
  private static final Duration DRAIN_TIMEOUT = Duration.ofSeconds(8);

  /** By this alone a shard shows that stands still while it loads. */
  private static final Duration STARTUP_TIMEOUT = Duration.ofSeconds(30);

  enum Kind {
    ONCE,
    TWICE,
    FOR_A_WHILE
  }

  static Optional<Fault> parse(String words) {
    var kill = KILL.matcher(words);
    if (kill.matches()) {
      String signal = kill.group(1).equals("SIGSTOP") ? "STOP" : "KILL";
      Kind kind = kill.group(3) == null ? Kind.ONCE : Kind.FOR_A_WHILE;
      return Optional.of(new SignalFault(words, kind, signal, member(kill.group(2))));
    }
    var stop = STOP.matcher(words);
    if (stop.matches()) {
      Kind kind = stop.group(2) == null ? Kind.ONCE : Kind.TWICE;
      return Optional.of(new SignalFault(words, kind, stop.group(1), stop.group(3)));
    }
    return Optional.empty();
  }

  private static String member(String words) {
    return switch (words) {
      case "first shard" -> "shard-0";
      case "second shard" -> "shard-1";
      default -> words;
    };
  }

  @Override
  public void prepare(Scene scene) {
    if (kind == Kind.TWICE) {
      scene.hold("router-drains");
      scene.hold("shard-0-deaf");
    }
    if (signal.equals("STOP")) {
      scene.line().option("--heartbeat-timeout", HEARTBEAT_TIMEOUT.toSeconds() + "s");
      scene.line().option("--drain-timeout", DRAIN_TIMEOUT.toSeconds() + "s");
      if (kind == Kind.ONCE) {
        scene.line().option("--startup-timeout", STARTUP_TIMEOUT.toSeconds() + "s");
      }
    }
  }

  @Override
  public void strike(Scene scene) throws Exception {
    scene.awaitRemembered(signal, target);
    scene.signal(signal, target);
    switch (kind) {
      case ONCE -> {
        scene.thaw();
        scene.restartContainerOf(target);
      }
      case TWICE -> {
        scene.thaw();
        scene.awaitLog("stopping");
        scene.signal(signal, target);
      }
      case FOR_A_WHILE -> {
        scene.letPass(A_WHILE, target);
        scene.signal("CONT", target);
      }
    }
  }

  /** A launcher that is told to stop must not wait for anything. */
  @Override
  public boolean endsTheWait() {
    return signal.equals("KILL") || signal.equals("STOP") || !target.equals("launcher");
  }

  @Override
  public String toString() {
    return words;
  }
}
