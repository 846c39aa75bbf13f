package dev.lorax.launcher.download;

import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Shows the progress of downloads and conversions: as a bar on a terminal, else in the log. */
public final class ProgressReport implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger("launcher");
  private static final Duration BAR_PERIOD = Duration.ofMillis(200);
  private static final Duration LINE_PERIOD = Duration.ofSeconds(5);

  private final Progress progress;
  private final @Nullable PrintStream terminal;
  private final InstantSource clock;
  private final Thread thread;
  private Progress.@Nullable Snapshot first;
  private Instant firstTime;
  private boolean barShown;

  private ProgressReport(Progress progress, @Nullable PrintStream terminal, InstantSource clock) {
    this.progress = progress;
    this.terminal = terminal;
    this.clock = clock;
    this.firstTime = clock.instant();
    this.thread = Thread.ofPlatform().name("progress").daemon().unstarted(this::report);
  }

  /**
   * @param terminal gets the bar; null where nobody watches
   */
  public static ProgressReport start(
      Progress progress, @Nullable PrintStream terminal, InstantSource clock) {
    var report = new ProgressReport(progress, terminal, clock);
    report.thread.start();
    return report;
  }

  private void report() {
    try {
      while (true) {
        Thread.sleep(terminal == null ? LINE_PERIOD : BAR_PERIOD);
        show(progress.snapshot());
      }
    } catch (InterruptedException closed) {
      show(Optional.empty());
    }
  }

  private void show(Optional<Progress.Snapshot> snapshot) {
    if (snapshot.isEmpty()) {
      first = null;
      clearBar();
      return;
    }
    Instant now = clock.instant();
    if (first == null || !Pace.sameStep(first, snapshot.get())) {
      first = snapshot.get();
      firstTime = now;
    }
    var pace = Pace.between(first, firstTime, snapshot.get(), now);
    if (terminal == null) {
      line(snapshot.get(), pace);
    } else {
      terminal.print("\r\033[K" + ProgressBar.text(snapshot.get(), pace) + "\r");
      terminal.flush();
      barShown = true;
    }
  }

  private static void line(Progress.Snapshot now, Pace pace) {
    LOG.atInfo()
        .addKeyValue("what", now.what())
        .addKeyValue("done", ByteCount.text(now.bytes()))
        .addKeyValue("of", ByteCount.text(now.totalBytes()))
        .addKeyValue("files", now.files() + "/" + now.totalFiles())
        .addKeyValue("speed", pace.speed())
        .addKeyValue("left", pace.left(now).orElse("unknown"))
        .log(now.step().toString());
  }

  private void clearBar() {
    if (terminal != null && barShown) {
      terminal.print("\r\033[K");
      terminal.flush();
      barShown = false;
    }
  }

  @Override
  public void close() {
    thread.interrupt();
    try {
      thread.join(BAR_PERIOD);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
