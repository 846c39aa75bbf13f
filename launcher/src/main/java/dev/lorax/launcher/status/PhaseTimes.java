package dev.lorax.launcher.status;

import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;

/** How long the phases on the way to serving took. Not thread-safe. */
public final class PhaseTimes {

  private final Map<Phase, Duration> firstStart = new EnumMap<>(Phase.class);
  private final Map<Phase, Duration> lastRestart = new EnumMap<>(Phase.class);

  void passed(Phase phase, Duration duration) {
    if (phase == Phase.SERVING || phase == Phase.STOPPING) {
      return;
    }
    (hasStarted() ? lastRestart : firstStart).put(phase, duration);
  }

  private boolean hasStarted() {
    return firstStart.containsKey(Phase.ROUTER_STARTING);
  }

  /** Of the first start, as far as it came. */
  Map<Phase, Duration> firstStart() {
    return Map.copyOf(firstStart);
  }

  /** Of the last restart, as far as it came; empty when there was none. */
  Map<Phase, Duration> lastRestart() {
    return Map.copyOf(lastRestart);
  }

  /** Of the last time that each phase was passed. */
  Map<Phase, Duration> latest() {
    Map<Phase, Duration> latest = new EnumMap<>(Phase.class);
    latest.putAll(firstStart);
    latest.putAll(lastRestart);
    return latest;
  }

  PhaseTimes copy() {
    var copy = new PhaseTimes();
    copy.firstStart.putAll(firstStart);
    copy.lastRestart.putAll(lastRestart);
    return copy;
  }
}
