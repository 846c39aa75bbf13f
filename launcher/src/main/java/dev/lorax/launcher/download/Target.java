package dev.lorax.launcher.download;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;

/** A remote file and the local one that it becomes. */
public record Target(RemoteFile remote, Path destination) {

  private static final String SUFFIX = ".incomplete";

  /**
   * Whether it is there. A file appears under its name only when it is complete and verified, so
   * its size is enough to notice what others have done to it.
   */
  boolean present() throws IOException {
    return Files.isRegularFile(destination) && Files.size(destination) == remote.size();
  }

  /** Where its bytes gather; named after the version, so that contents never mix. */
  Path incomplete() {
    byte[] version = remote.version().getBytes(StandardCharsets.UTF_8);
    byte[] hash = new Checksum(Checksum.Kind.SHA256, "").digest(0).digest(version);
    String tag = HexFormat.of().formatHex(hash, 0, 4);
    return destination.resolveSibling(destination.getFileName() + "-" + tag + SUFFIX);
  }

  /** Bytes that an earlier launcher has left. */
  long begun() throws IOException {
    Path incomplete = incomplete();
    long size = Files.exists(incomplete) ? Files.size(incomplete) : 0;
    return size <= remote.size() ? size : 0;
  }
}
