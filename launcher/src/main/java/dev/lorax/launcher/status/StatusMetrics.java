package dev.lorax.launcher.status;

import dev.lorax.launcher.process.MemberName;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;

/** The launcher's metrics in Prometheus' text form. */
final class StatusMetrics {

  private static final String PREFIX = "lorax_launcher_";

  private final StringBuilder text = new StringBuilder();

  private StatusMetrics() {}

  static String text(LauncherStatus.Snapshot snapshot) {
    var metrics = new StatusMetrics();
    metrics.state(snapshot);
    metrics.times(
        "start_seconds", "Time the first start spent in a phase.", snapshot.times().firstStart());
    metrics.times(
        "restart_seconds",
        "Time the last restart spent in a phase.",
        snapshot.times().lastRestart());
    metrics.restarts(snapshot);
    metrics.members(snapshot);
    return metrics.text.toString();
  }

  private void state(LauncherStatus.Snapshot snapshot) {
    head("phase", "gauge", "1 for the phase that the launcher is in.");
    for (var phase : Phase.values()) {
      line("phase{phase=\"%s\"}".formatted(phase), phase == snapshot.phase() ? 1 : 0);
    }
    head("epoch", "gauge", "Epoch of the shard group.");
    line("epoch", snapshot.epoch());
    head("download_bytes_total", "counter", "Bytes of models and adapters downloaded.");
    line("download_bytes_total", snapshot.downloadedBytes());
  }

  private void times(String name, String help, Map<Phase, Duration> times) {
    head(name, "gauge", help);
    times.forEach(
        (phase, duration) -> seconds("%s{phase=\"%s\"}".formatted(name, phase), duration));
  }

  private void restarts(LauncherStatus.Snapshot snapshot) {
    head("restarts_total", "counter", "Restarts by what was restarted and why.");
    for (var role : MemberName.Role.values()) {
      for (var cause : FailureCause.values()) {
        int count = snapshot.restarts().getOrDefault(new LauncherStatus.Restart(role, cause), 0);
        line(
            "restarts_total{role=\"%s\",cause=\"%s\"}"
                .formatted(role.name().toLowerCase(Locale.ROOT), cause),
            count);
      }
    }
  }

  private void members(LauncherStatus.Snapshot snapshot) {
    head("ready", "gauge", "1 while a member is ready for its work.");
    snapshot
        .members()
        .forEach((member, state) ->
            line(
                "ready{member=\"%s\"}".formatted(member),
                state instanceof MemberState.Ready ? 1 : 0));
    head("heartbeat_age_seconds", "gauge", "Time since a member last answered its health check.");
    snapshot
        .answers()
        .forEach((member, answer) ->
            seconds(
                "heartbeat_age_seconds{member=\"%s\"}".formatted(member),
                Duration.between(answer, snapshot.now())));
  }

  private void head(String name, String type, String help) {
    text.append(
        "# HELP %s%s %s\n# TYPE %s%s %s\n".formatted(PREFIX, name, help, PREFIX, name, type));
  }

  private void line(String series, long value) {
    text.append("%s%s %d\n".formatted(PREFIX, series, value));
  }

  private void seconds(String series, Duration value) {
    text.append(
        "%s%s %s\n"
            .formatted(
                PREFIX, series, String.format(Locale.ROOT, "%.3f", value.toMillis() / 1000.0)));
  }
}
