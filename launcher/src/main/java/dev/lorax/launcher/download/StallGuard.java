package dev.lorax.launcher.download;

import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Closes streams on which nothing arrives, so that a silent server cannot hold us for ever. */
final class StallGuard implements AutoCloseable {

  private final Duration stall;
  private final InstantSource clock;
  private final Set<Watch> watches = ConcurrentHashMap.newKeySet();
  private final Thread thread;

  StallGuard(Duration stall, InstantSource clock) {
    this.stall = stall;
    this.clock = clock;
    this.thread = Thread.ofVirtual().name("stall-guard").start(this::closeStalled);
  }

  Watch watch(InputStream stream) {
    var watch = new Watch(stream);
    watches.add(watch);
    return watch;
  }

  private void closeStalled() {
    try {
      while (true) {
        Thread.sleep(stall.dividedBy(4));
        watches.forEach(Watch::closeIfStalled);
      }
    } catch (InterruptedException closed) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    thread.interrupt();
  }

  /** One stream being read. */
  final class Watch implements AutoCloseable {

    private final InputStream stream;
    private volatile Instant last = clock.instant();
    private volatile boolean stalled;

    private Watch(InputStream stream) {
      this.stream = stream;
    }

    /** As {@link InputStream#read(byte[])}; a stall is an exception that says so. */
    int read(byte[] buffer) throws IOException {
      try {
        int read = stream.read(buffer);
        if (!stalled) {
          last = clock.instant();
          return read;
        }
      } catch (IOException e) {
        if (!stalled) {
          throw e;
        }
      }
      throw new IOException("the server sent nothing for %d s".formatted(stall.toSeconds()));
    }

    private void closeIfStalled() {
      if (Duration.between(last, clock.instant()).compareTo(stall) >= 0) {
        stalled = true;
        closeStream();
      }
    }

    private void closeStream() {
      try {
        stream.close();
      } catch (IOException ignored) {
        // Nothing more is wanted of it.
      }
    }

    @Override
    public void close() {
      watches.remove(this);
      closeStream();
    }
  }
}
