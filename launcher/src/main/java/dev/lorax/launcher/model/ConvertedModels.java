package dev.lorax.launcher.model;

import dev.lorax.launcher.convert.ConversionException;
import dev.lorax.launcher.convert.GgufConversion;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Models converted from GGUF, each in a directory named after the file's content.
 *
 * <p>A directory appears by a rename when it is complete, and launchers that share the cache take
 * turns through a lock file; so what is there can be used, and is made once.
 */
final class ConvertedModels {

  private static final Logger LOG = LoggerFactory.getLogger("launcher");
  private static final Duration REPORT_PERIOD = Duration.ofSeconds(2);

  /** For everything beside the weights. */
  private static final long HEADROOM_BYTES = 64L << 20;

  private final Path cache;
  private final InstantSource clock;

  ConvertedModels(Path cache, InstantSource clock) {
    this.cache = cache;
    this.clock = clock;
  }

  Path fromGguf(Path file) throws IOException, ConversionException, InterruptedException {
    Path directory = cache.resolve(nameFor(file));
    if (Files.isDirectory(directory)) {
      LOG.atInfo().addKeyValue("directory", directory).log("model was converted before");
      return directory;
    }
    Files.createDirectories(cache);
    Path lockFile = cache.resolve("." + directory.getFileName() + ".lock");
    try (var channel =
            FileChannel.open(lockFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        var lock = channel.lock()) {
      if (Files.isDirectory(directory)) {
        LOG.atInfo().addKeyValue("directory", directory).log("another launcher converted it");
      } else {
        convert(file, directory);
      }
    }
    return directory;
  }

  private static String nameFor(Path file) throws IOException {
    String fileName = file.getFileName().toString();
    String stem = fileName.substring(0, fileName.length() - ".gguf".length());
    return "gguf--%s--%s".formatted(stem, ContentHash.of(file).substring(0, 12));
  }

  private void convert(Path file, Path directory)
      throws IOException, ConversionException, InterruptedException {
    Path unfinished = directory.resolveSibling("." + directory.getFileName() + ".unfinished");
    DirectoryTree.delete(unfinished);
    try {
      var conversion = GgufConversion.open(file);
      requireSpace(conversion.weightBytes());
      Files.createDirectory(unfinished);
      Instant start = clock.instant();
      conversion.writeTo(unfinished, new Report(start));
      Files.move(unfinished, directory, StandardCopyOption.ATOMIC_MOVE);
      LOG.atInfo()
          .addKeyValue("directory", directory)
          .addKeyValue("elapsed", Duration.between(start, clock.instant()).toSeconds() + "s")
          .log("model converted");
    } finally {
      DirectoryTree.delete(unfinished);
    }
  }

  private void requireSpace(long weightBytes) throws IOException, ConversionException {
    long needed = weightBytes + HEADROOM_BYTES;
    long usable = Files.getFileStore(cache).getUsableSpace();
    if (usable < needed) {
      throw new ConversionException(
          "%s needs %d MB free for the converted model, has %d MB"
              .formatted(cache, needed >> 20, usable >> 20));
    }
  }

  /** Says where the conversion is, but not for every tensor. */
  private final class Report implements GgufConversion.Progress {

    private final Instant start;
    private Instant last;

    Report(Instant start) {
      this.start = start;
      this.last = start;
    }

    @Override
    public void tensors(int done, int all) {
      Instant now = clock.instant();
      if (done == all || Duration.between(last, now).compareTo(REPORT_PERIOD) >= 0) {
        last = now;
        LOG.atInfo()
            .addKeyValue("tensors", done + "/" + all)
            .addKeyValue("elapsed", Duration.between(start, now).toSeconds() + "s")
            .log("converting weights");
      }
    }
  }
}
