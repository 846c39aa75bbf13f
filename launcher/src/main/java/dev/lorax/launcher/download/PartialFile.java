package dev.lorax.launcher.download;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * A file that is not complete yet, hashed as it grows. Failures of the local volume are final, as
 * opposed to those of the network. Not thread-safe.
 */
final class PartialFile implements AutoCloseable {

  /**
   * Dirty pages are written back in steps of this many bytes: the pages stay cached for the shards
   * that read them next, and the last step is short.
   */
  private static final long WRITE_BACK_BYTES = 256L << 20;

  private final Target target;
  private final Path path;
  private final FileChannel channel;
  private @Nullable MessageDigest digest;
  private long length;
  private long writtenBack;

  private PartialFile(Target target, Path path, FileChannel channel) {
    this.target = target;
    this.path = path;
    this.channel = channel;
  }

  /** Continues what an earlier launcher left. */
  static PartialFile open(Target target) throws DownloadException, InterruptedException {
    Path path = target.incomplete();
    try {
      long begun = target.begun();
      var channel =
          FileChannel.open(
              path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
      var file = new PartialFile(target, path, channel);
      file.hash(begun);
      return file;
    } catch (IOException e) {
      throw broken(path, e);
    }
  }

  private void hash(long begun) throws IOException {
    restartDigest();
    channel.truncate(begun);
    var buffer = ByteBuffer.allocate(1 << 20);
    while (length < begun && channel.read(buffer.clear()) >= 0) {
      length += buffer.flip().remaining();
      if (digest != null) {
        digest.update(buffer);
      }
    }
    writtenBack = length;
  }

  private void restartDigest() {
    var checksum = target.remote().checksum();
    digest = checksum == null ? null : checksum.digest(target.remote().size());
  }

  long length() {
    return length;
  }

  void append(byte[] bytes, int count) throws DownloadException, InterruptedException {
    try {
      var buffer = ByteBuffer.wrap(bytes, 0, count);
      while (buffer.hasRemaining()) {
        channel.write(buffer);
      }
      if (digest != null) {
        digest.update(bytes, 0, count);
      }
      length += count;
      if (length - writtenBack >= WRITE_BACK_BYTES) {
        channel.force(false);
        writtenBack = length;
      }
    } catch (IOException e) {
      throw broken(path, e);
    }
  }

  /** Begins anew with no bytes. */
  void restart() throws DownloadException, InterruptedException {
    try {
      channel.truncate(0);
      length = 0;
      writtenBack = 0;
      restartDigest();
    } catch (IOException e) {
      throw broken(path, e);
    }
  }

  /** Null when size and checksum are as they should be, else what is wrong. Call it once. */
  @Nullable String fault() {
    RemoteFile remote = target.remote();
    if (length != remote.size()) {
      return "expected %d bytes, got %d".formatted(remote.size(), length);
    }
    var checksum = remote.checksum();
    if (checksum == null || digest == null) {
      return null;
    }
    String hex = HexFormat.of().formatHex(digest.digest());
    return hex.equals(checksum.hex())
        ? null
        : "expected %s %s, got %s".formatted(checksum.kind(), checksum.hex(), hex);
  }

  /** Gives it its final name. Whoever sees that name sees all bytes, even after a power failure. */
  void publish() throws DownloadException, InterruptedException {
    try {
      channel.force(true);
      Files.move(path, target.destination(), StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw broken(target.destination(), e);
    }
  }

  @Override
  public void close() throws DownloadException {
    try {
      channel.close();
    } catch (IOException e) {
      throw LocalVolume.failure(path, e);
    }
  }

  private static DownloadException broken(Path path, IOException e) throws InterruptedException {
    if (e instanceof ClosedByInterruptException) {
      Thread.interrupted();
      throw new InterruptedException("download stopped");
    }
    return LocalVolume.failure(path, e);
  }
}
