package dev.lorax.launcher.status;

import java.util.Locale;

/** The launcher's metrics in Prometheus' text form. */
final class StatusMetrics {

  private StatusMetrics() {}

  static String text(LauncherStatus.Snapshot snapshot) {
    var text = new StringBuilder();
    head(text, "lorax_launcher_start_seconds", "gauge", "Time the first start spent in a phase.");
    snapshot
        .startDurations()
        .forEach((phase, duration) ->
            text.append(
                "lorax_launcher_start_seconds{phase=\"%s\"} %.3f\n"
                    .formatted(phase, duration.toMillis() / 1000.0)));
    head(text, "lorax_launcher_restarts_total", "counter", "Restarts after a failure.");
    snapshot
        .restarts()
        .forEach((role, count) ->
            text.append(
                "lorax_launcher_restarts_total{role=\"%s\"} %d\n"
                    .formatted(role.name().toLowerCase(Locale.ROOT), count)));
    head(text, "lorax_launcher_ready", "gauge", "1 while a member answers its health check.");
    snapshot
        .members()
        .forEach((member, state) ->
            text.append(
                "lorax_launcher_ready{member=\"%s\"} %d\n"
                    .formatted(member, state instanceof MemberState.Ready ? 1 : 0)));
    return text.toString();
  }

  private static void head(StringBuilder text, String name, String type, String help) {
    text.append("# HELP %s %s\n# TYPE %s %s\n".formatted(name, help, name, type));
  }
}
