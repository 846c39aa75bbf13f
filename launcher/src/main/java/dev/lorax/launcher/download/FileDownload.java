package dev.lorax.launcher.download;

import dev.lorax.launcher.failure.FailureCode;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One file on its way: continued where it broke off, and published when it is verified. */
final class FileDownload {

  private static final Logger LOG = LoggerFactory.getLogger("launcher");

  /** A damaged file is worth a second look: a proxy may have cut in once. */
  private static final int DAMAGED_AT_MOST = 2;

  private static final int BUFFER_BYTES = 64 << 10;

  private final RemoteSource source;
  private final Target target;
  private final Retries retries;
  private final StallGuard stallGuard;
  private final Progress progress;
  private int damaged;

  FileDownload(
      RemoteSource source,
      Target target,
      RetryPolicy policy,
      StallGuard stallGuard,
      Progress progress) {
    this.source = source;
    this.target = target;
    this.retries = new Retries(policy, target.remote().path());
    this.stallGuard = stallGuard;
    this.progress = progress;
  }

  /** Blocks until the file is there; an interrupt leaves the part for the next launcher. */
  void run() throws DownloadException, InterruptedException {
    try (var part = PartialFile.open(target)) {
      progress.credit(part.length());
      do {
        receiveAll(part);
      } while (!verified(part));
      part.publish();
      progress.fileDone();
    }
  }

  private void receiveAll(PartialFile part) throws DownloadException, InterruptedException {
    while (part.length() < target.remote().size()) {
      long before = part.length();
      try {
        receive(part);
      } catch (IOException e) {
        if (part.length() > before) {
          retries.progressed();
        }
        retries.pauseAfter(e);
      }
    }
  }

  private void receive(PartialFile part)
      throws IOException, DownloadException, InterruptedException {
    var body = source.open(target.remote(), part.length());
    try (var watch = stallGuard.watch(body.bytes())) {
      if (body.offset() != part.length()) {
        restart(part);
      }
      var buffer = new byte[BUFFER_BYTES];
      int read;
      while ((read = watch.read(buffer)) >= 0) {
        part.append(buffer, read);
        progress.received(read);
      }
    }
    if (part.length() < target.remote().size()) {
      throw new IOException(
          "the connection ended after %d of %d bytes"
              .formatted(part.length(), target.remote().size()));
    }
  }

  private void restart(PartialFile part) throws DownloadException, InterruptedException {
    progress.credit(-part.length());
    part.restart();
  }

  private boolean verified(PartialFile part) throws DownloadException, InterruptedException {
    String fault = part.fault();
    if (fault == null) {
      return true;
    }
    restart(part);
    damaged++;
    if (damaged >= DAMAGED_AT_MOST) {
      throw new DownloadException(
          FailureCode.CORRUPT_FILE,
          "%s arrived damaged %d times: %s; a proxy or mirror on the way changes it, or the source is broken"
              .formatted(target.remote().path(), damaged, fault));
    }
    LOG.atWarn()
        .addKeyValue("file", target.remote().path())
        .addKeyValue("reason", fault)
        .log("file arrived damaged, downloading it again");
    return false;
  }
}
