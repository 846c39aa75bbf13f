package dev.lorax.launcher.download;

import org.jspecify.annotations.Nullable;

/**
 * One file as its source lists it.
 *
 * @param path below the repository, parts separated by slashes
 * @param size in bytes
 * @param version what names this very content at its source, such as an ETag; a part of a file is
 *     only ever continued with the same version
 * @param checksum null where the source tells none that can be computed here
 */
public record RemoteFile(String path, long size, String version, @Nullable Checksum checksum) {

  public RemoteFile {
    if (size < 0) {
      throw new IllegalArgumentException("%s has size %d".formatted(path, size));
    }
  }
}
