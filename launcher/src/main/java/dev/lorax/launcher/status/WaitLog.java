package dev.lorax.launcher.status;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Says now and then what is being waited for, so that a long load does not look like a hang. */
public final class WaitLog implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger("launcher");
  private static final Duration PERIOD = Duration.ofSeconds(10);

  private final Thread thread;

  private WaitLog(Thread thread) {
    this.thread = thread;
  }

  public static WaitLog start(LauncherStatus status, InstantSource clock) {
    return new WaitLog(
        Thread.ofVirtual()
            .name("wait-log")
            .start(() -> {
              try {
                while (true) {
                  Thread.sleep(PERIOD);
                  report(status.snapshot(), clock.instant());
                }
              } catch (InterruptedException closed) {
                Thread.currentThread().interrupt();
              }
            }));
  }

  private static void report(LauncherStatus.Snapshot snapshot, Instant now) {
    snapshot
        .members()
        .forEach((member, state) -> {
          if (state instanceof MemberState.Loading(var epoch, var since)) {
            LOG.atInfo()
                .addKeyValue("member", member)
                .addKeyValue("epoch", epoch)
                .addKeyValue("elapsed", Duration.between(since, now).toSeconds() + "s")
                .log("still loading");
          }
        });
  }

  @Override
  public void close() {
    thread.interrupt();
  }
}
