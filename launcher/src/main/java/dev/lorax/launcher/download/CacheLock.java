package dev.lorax.launcher.download;

import dev.lorax.launcher.failure.FailureCode;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Right to write one model in a cache, held against other launchers on the same volume. It is the
 * operating system's lock on a file and ends with the process that holds it; the file stays, since
 * removing it would let two hold it at once.
 */
public final class CacheLock implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger("launcher");

  private static final Duration POLL = Duration.ofMillis(250);
  private static final Duration REMINDER = Duration.ofSeconds(30);

  private final FileChannel channel;

  private CacheLock(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * Waits while another launcher holds it, and says so.
   *
   * @param what is written under the lock, for people
   */
  public static CacheLock acquire(Path file, String what)
      throws DownloadException, InterruptedException {
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
      var channel =
          FileChannel.open(
              file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
      try {
        awaitLock(channel, what);
        writeHolder(channel);
        return new CacheLock(channel);
      } catch (IOException | InterruptedException e) {
        channel.close();
        throw e;
      }
    } catch (IOException e) {
      throw LocalVolume.failure(file, e);
    }
  }

  private static void awaitLock(FileChannel channel, String what)
      throws IOException, InterruptedException {
    for (long waited = 0; tryLock(channel) == null; waited += POLL.toMillis()) {
      if (waited % REMINDER.toMillis() == 0) {
        LOG.atInfo()
            .addKeyValue("what", what)
            .addKeyValue("holder", holder(channel))
            .log("another launcher prepares it in this cache, waiting");
      }
      Thread.sleep(POLL);
    }
  }

  private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      return null;
    }
  }

  private static void writeHolder(FileChannel channel) throws IOException {
    String holder = "process %d on %s".formatted(ProcessHandle.current().pid(), host());
    channel.truncate(0);
    channel.write(ByteBuffer.wrap(holder.getBytes(StandardCharsets.UTF_8)), 0);
  }

  private static String host() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return "a host without a name";
    }
  }

  private static String holder(FileChannel channel) throws IOException {
    var text = ByteBuffer.allocate(256);
    channel.read(text, 0);
    return StandardCharsets.UTF_8.decode(text.flip()).toString();
  }

  @Override
  public void close() throws DownloadException {
    try {
      channel.close();
    } catch (IOException e) {
      throw new DownloadException(
          FailureCode.of(e), "cannot release the lock of the cache: " + e.getMessage(), e);
    }
  }
}
