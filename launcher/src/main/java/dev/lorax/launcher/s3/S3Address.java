package dev.lorax.launcher.s3;

import dev.lorax.launcher.config.S3Id;
import dev.lorax.launcher.download.DownloadException;
import dev.lorax.launcher.failure.FailureCode;

/**
 * A prefix in a bucket, below which the files of a model or adapter lie.
 *
 * @param prefix without slashes at its ends
 */
public record S3Address(String bucket, String prefix) {

  /** Reads {@code s3://bucket/prefix} or {@code bucket/prefix}. */
  public static S3Address of(String id) throws DownloadException {
    S3Id read =
        S3Id.parse(id)
            .orElseThrow(() ->
                new DownloadException(
                    FailureCode.WRONG_ARGUMENTS,
                    "%s is no id of source s3: expected %s".formatted(id, S3Id.FORM)));
    return new S3Address(read.bucket(), read.prefix());
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
