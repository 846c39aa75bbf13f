package dev.lorax.launcher.members;

import dev.lorax.launcher.failure.FailureCode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Socket directories {@code epoch-N}, one for each start of the shard group, and the link {@code
 * current} to the one that serves.
 *
 * <p>The parent may outlive container restarts, so no socket file found in it proves anything; a
 * directory that was never used before does.
 */
public final class EpochDirectories implements AutoCloseable {

  private static final String PREFIX = "epoch-";

  private static final Logger LOG = LoggerFactory.getLogger("launcher");

  private static final String LOCK = "launcher.lock";

  private final Path base;
  private final FileChannel lock;
  private final boolean ours;

  private EpochDirectories(Path base, FileChannel lock, boolean ours) {
    this.base = base;
    this.lock = lock;
    this.ours = ours;
  }

  /** Creates the parent where needed and keeps other launchers out of it. */
  public static EpochDirectories claim(Path base) throws MemberException {
    try {
      Path file = base.resolve(LOCK);
      // With a lock in it, a launcher that was killed created it.
      boolean ours = Files.notExists(base) || Files.exists(file);
      Files.createDirectories(base);
      FileChannel lock = lock(file);
      if (lock == null) {
        throw new MemberException(
            FailureCode.DIRECTORY_IN_USE,
            "another launcher uses socket directory %s; give one of its own with --shard-uds-path"
                .formatted(base));
      }
      return new EpochDirectories(base, lock, ours);
    } catch (IOException e) {
      throw new MemberException(base, e);
    }
  }

  /** Null when another launcher holds it. */
  private static @Nullable FileChannel lock(Path file) throws IOException {
    while (true) {
      var channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      if (channel.tryLock() == null) {
        channel.close();
        return null;
      }
      // Who holds it, for people; and a launcher that ended between our open and our lock took the
      // file with it, so that ours is not the one that the next launcher will find.
      String mark = "%d\n".formatted(ProcessHandle.current().pid());
      channel.truncate(0);
      channel.write(ByteBuffer.wrap(mark.getBytes(StandardCharsets.UTF_8)));
      if (Files.exists(file) && Files.readString(file).equals(mark)) {
        return channel;
      }
      channel.close();
    }
  }

  Path base() {
    return base;
  }

  /** Socket path base of an epoch's shards, which append {@code -<shard index>}. */
  Path shardSockets(long epoch) {
    return directory(epoch).resolve("shard");
  }

  Path shardSocket(long epoch, int shardIndex) {
    return directory(epoch).resolve("shard-" + shardIndex);
  }

  /** Where the router finds the first shard of whichever epoch serves. */
  Path currentFirstShard() {
    return base.resolve("current").resolve("shard-0");
  }

  /** Whether this or an earlier launcher started shards here. */
  boolean anyExists() throws IOException {
    return !epochs().isEmpty();
  }

  long createNext() throws IOException {
    long epoch = epochs().stream().mapToLong(Long::longValue).max().orElse(0) + 1;
    Files.createDirectories(directory(epoch));
    return epoch;
  }

  /** Points {@code current} at the epoch in one step, then removes all others. */
  void publish(long epoch) throws IOException {
    Path link = base.resolve("current.next");
    Files.deleteIfExists(link);
    Files.createSymbolicLink(link, Path.of(PREFIX + epoch));
    Files.move(link, base.resolve("current"), StandardCopyOption.ATOMIC_MOVE);
    for (long other : epochs()) {
      if (other != epoch) {
        delete(directory(other));
      }
    }
  }

  void removeAll() throws IOException {
    Files.deleteIfExists(base.resolve("current.next"));
    Files.deleteIfExists(base.resolve("current"));
    for (long epoch : epochs()) {
      delete(directory(epoch));
    }
  }

  /** Lets the next launcher in and leaves nothing that we created. */
  @Override
  public void close() {
    try {
      Files.deleteIfExists(base.resolve(LOCK));
      lock.close();
      if (ours) {
        Files.deleteIfExists(base);
      }
    } catch (IOException inUse) {
      LOG.atDebug().addKeyValue("reason", inUse).log("socket directory stays");
    }
  }

  private Path directory(long epoch) {
    return base.resolve(PREFIX + epoch);
  }

  private List<Long> epochs() throws IOException {
    List<Long> epochs = new ArrayList<>();
    try (var directories = Files.newDirectoryStream(base, PREFIX + "*")) {
      for (var directory : directories) {
        String number = directory.getFileName().toString().substring(PREFIX.length());
        if (number.matches("\\d{1,18}")) {
          epochs.add(Long.parseLong(number));
        }
      }
    }
    return epochs;
  }

  private static void delete(Path directory) throws IOException {
    try (var sockets = Files.newDirectoryStream(directory)) {
      for (var socket : sockets) {
        Files.deleteIfExists(socket);
      }
    }
    Files.delete(directory);
  }
}
