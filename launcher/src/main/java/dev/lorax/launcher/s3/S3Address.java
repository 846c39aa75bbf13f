package dev.lorax.launcher.s3;

import dev.lorax.launcher.download.DownloadException;
import dev.lorax.launcher.failure.FailureCode;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A prefix in a bucket, below which the files of a model or adapter lie.
 *
 * @param prefix without slashes at its ends
 */
public record S3Address(String bucket, String prefix) {

  /**
   * The bucket by the rules of S3; the prefix of characters that are safe in the name of a
   * directory.
   */
  private static final Pattern ID =
      Pattern.compile(
          "(?:s3://)?([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(\\w[\\w.=+@ -]*(?:/\\w[\\w.=+@ -]*)*)/?");

  /** Reads {@code s3://bucket/prefix} or {@code bucket/prefix}. */
  public static S3Address of(String id) throws DownloadException {
    Matcher matcher = ID.matcher(id);
    // Dashes that would make one directory of two addresses.
    if (!matcher.matches() || id.contains("--") || id.contains("-/") || id.contains("..")) {
      throw new DownloadException(
          FailureCode.WRONG_ARGUMENTS,
          "%s is no id of source s3: expected s3://bucket/prefix of letters, digits and single dashes"
              .formatted(id));
    }
    return new S3Address(matcher.group(1), matcher.group(2));
  }

  String key(String fileName) {
    return prefix + "/" + fileName;
  }

  /** Of the directory in the cache; the shard makes the same one. */
  String directoryName() {
    return "s3--%s--%s".formatted(bucket, prefix.replace("/", "--"));
  }

  @Override
  public String toString() {
    return "s3://%s/%s".formatted(bucket, prefix);
  }
}
