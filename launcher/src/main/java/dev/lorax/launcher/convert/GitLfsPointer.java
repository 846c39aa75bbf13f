package dev.lorax.launcher.convert;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** The three lines that a clone without Git LFS leaves in place of a large file. */
public final class GitLfsPointer {

  private static final byte[] START = "version https://git-lfs".getBytes(StandardCharsets.US_ASCII);

  private GitLfsPointer() {}

  public static boolean is(FileChannel channel) throws IOException {
    var start = ByteBuffer.allocate(START.length);
    return channel.read(start, 0) == START.length && start.flip().equals(ByteBuffer.wrap(START));
  }

  public static String refusal(Path path) {
    return "weights file %s is a Git LFS pointer instead of weights: run git lfs pull where it was cloned"
        .formatted(path);
  }
}
