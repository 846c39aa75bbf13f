package dev.lorax.launcher.download;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** Brings the files of one repository onto a local volume, several at a time. */
public final class Downloads {

  /** More connections hardly help one launcher, and hurt a source that serves a fleet. */
  private static final int CONNECTIONS = 4;

  private final RetryPolicy policy;
  private final Progress progress;
  private final InstantSource clock;

  public Downloads(RetryPolicy policy, Progress progress, InstantSource clock) {
    this.policy = policy;
    this.progress = progress;
    this.clock = clock;
  }

  public RetryPolicy policy() {
    return policy;
  }

  /**
   * Blocks until all targets are there and verified. On a failure or an interrupt what has arrived
   * is kept, and the next call continues from there. The caller holds the {@link CacheLock}.
   *
   * @param what the repository, for people
   * @param directory on the volume of all targets
   * @return bytes that were still to be fetched when it began
   */
  public long fetch(RemoteSource source, String what, Path directory, List<Target> wanted)
      throws DownloadException, InterruptedException {
    List<Target> targets = oncePerDestination(wanted);
    try {
      List<Target> missing = new ArrayList<>();
      long open = 0;
      for (var target : targets) {
        if (!target.present()) {
          missing.add(target);
          open += target.remote().size() - target.begun();
        }
      }
      if (!missing.isEmpty()) {
        LocalVolume.requireSpace(directory, open, what);
        begin(what, targets, missing);
        fetch(source, missing);
      }
      return open;
    } catch (IOException e) {
      throw LocalVolume.failure(directory, e);
    } finally {
      progress.end();
    }
  }

  /** Where contents name files, equal files of a repository are one. */
  private static List<Target> oncePerDestination(List<Target> targets) {
    Map<Path, Target> once = new LinkedHashMap<>();
    targets.forEach(target -> once.putIfAbsent(target.destination(), target));
    return List.copyOf(once.values());
  }

  private void begin(String what, List<Target> all, List<Target> missing) throws IOException {
    progress.begin(Progress.Step.DOWNLOADING, what, bytes(all), all.size());
    progress.credit(bytes(all) - bytes(missing));
    for (int present = missing.size(); present < all.size(); present++) {
      progress.fileDone();
    }
    for (var target : missing) {
      Files.createDirectories(target.destination().toAbsolutePath().getParent());
    }
  }

  private static long bytes(List<Target> targets) {
    return targets.stream().mapToLong(target -> target.remote().size()).sum();
  }

  private void fetch(RemoteSource source, List<Target> missing)
      throws DownloadException, InterruptedException {
    ExecutorService connections =
        Executors.newFixedThreadPool(
            Math.min(CONNECTIONS, missing.size()), Thread.ofPlatform().name("download").factory());
    try (var stallGuard = new StallGuard(policy.stall(), clock)) {
      var running = new ExecutorCompletionService<Void>(connections);
      for (var target : missing) {
        var download = new FileDownload(source, target, policy, stallGuard, progress);
        running.submit(() -> {
          download.run();
          return null;
        });
      }
      for (int done = 0; done < missing.size(); done++) {
        running.take().get();
      }
    } catch (ExecutionException e) {
      throw cause(e);
    } finally {
      end(connections);
    }
  }

  /** Interrupts what still runs, and returns when nobody writes any more. */
  private static void end(ExecutorService connections) {
    connections.shutdownNow();
    boolean interrupted = false;
    while (true) {
      try {
        if (connections.awaitTermination(1, TimeUnit.MINUTES)) {
          break;
        }
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static DownloadException cause(ExecutionException e) {
    return switch (e.getCause()) {
      case DownloadException download -> download;
      case RuntimeException bug -> throw bug;
      case Error error -> throw error;
      case null, default -> throw new IllegalStateException(e);
    };
  }
}
