package dev.lorax.launcher.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A segment of shared memory. The inode tells it from a later one of the same name.
 *
 * @param name of its file, relative to the directory of all segments
 */
record SharedSegment(String name, long inode) {

  /** PyTorch and LLVM's OpenMP write the owner's process id into the name. */
  private static final Pattern OWNER =
      Pattern.compile("(?:torch|__KMP_REGISTERED_LIB)_(\\d{1,9})_.*");

  static Optional<SharedSegment> of(Path file) {
    try {
      if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
        return Optional.empty();
      }
      Object inode = Files.getAttribute(file, "unix:ino", LinkOption.NOFOLLOW_LINKS);
      return Optional.of(new SharedSegment(file.getFileName().toString(), (Long) inode));
    } catch (IOException | UnsupportedOperationException gone) {
      return Optional.empty();
    }
  }

  /** Where the name tells. */
  Optional<Long> ownerInName() {
    Matcher matcher = OWNER.matcher(name);
    return matcher.matches() ? Optional.of(Long.parseLong(matcher.group(1))) : Optional.empty();
  }
}
