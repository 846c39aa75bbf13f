package dev.lorax.launcher.members;

import dev.lorax.launcher.config.LauncherConfig.RestartConfig;
import dev.lorax.launcher.health.HealthChecks;
import dev.lorax.launcher.health.Heartbeat;
import dev.lorax.launcher.process.ProcessHost;
import dev.lorax.launcher.status.LauncherStatus;
import java.time.InstantSource;

/** What shards and router share: where they run, how they are watched and started again. */
public record Surroundings(
    ProcessHost host,
    HealthChecks checks,
    LauncherStatus status,
    RestartConfig restarts,
    InstantSource clock) {

  Heartbeat.Timeouts timeouts() {
    return new Heartbeat.Timeouts(restarts.startupTimeout(), restarts.heartbeatTimeout());
  }
}
