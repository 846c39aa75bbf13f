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
  private static final Duration WORTH_TELLING = Duration.ofSeconds(5);

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
    for (var member : snapshot.members().entrySet()) {
      if (member.getValue() instanceof MemberState.Loading(var epoch, var since)
          && Duration.between(since, now).compareTo(WORTH_TELLING) >= 0) {
        LOG.atInfo()
            .addKeyValue("member", member.getKey())
            .addKeyValue("epoch", epoch)
            .addKeyValue("elapsed", Duration.between(since, now).toSeconds() + "s")
            .log("still loading");
      }
    }
  }

  @Override
  public void close() {
    thread.interrupt();
  }
}
