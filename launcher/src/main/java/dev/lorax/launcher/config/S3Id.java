package dev.lorax.launcher.config;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What an id of source s3 names.
 *
 * @param prefix without slashes at its ends
 */
public record S3Id(String bucket, String prefix) {

  /** For people. */
  public static final String FORM = "s3://bucket/prefix of letters, digits and single dashes";

  /**
   * The bucket by the rules of S3; the prefix of characters that are safe in the name of a
   * directory.
   */
  private static final Pattern PATTERN =
      Pattern.compile(
          "(?:s3://)?([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(\\w[\\w.=+@ -]*(?:/\\w[\\w.=+@ -]*)*)/?");

  /** Reads {@code s3://bucket/prefix} or {@code bucket/prefix}; empty when it is neither. */
  public static Optional<S3Id> parse(String id) {
    Matcher matcher = PATTERN.matcher(id);
    // Dashes that would make one directory of two addresses.
    if (!matcher.matches() || id.contains("--") || id.contains("-/") || id.contains("..")) {
      return Optional.empty();
    }
    return Optional.of(new S3Id(matcher.group(1), matcher.group(2)));
  }
}
