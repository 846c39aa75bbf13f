package dev.lorax.launcher.s3;

import dev.lorax.launcher.config.S3Config;
import dev.lorax.launcher.download.BusyException;
import dev.lorax.launcher.download.DownloadException;
import dev.lorax.launcher.failure.FailureCode;
import java.io.IOException;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.AbortedException;
import software.amazon.awssdk.core.exception.SdkClientException;

/** What the store's refusals mean, and what to do. */
final class S3Refusals {

  /** {@code the region 'us-east-1' is wrong; expecting 'eu-west-1'}. */
  private static final Pattern EXPECTED_REGION = Pattern.compile("expecting '([a-z0-9-]+)'");

  private static final String KEYS = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";

  private final String store;
  private final boolean anonymous;

  S3Refusals(S3Config config, boolean anonymous) {
    this.store = config.endpoint() == null ? "AWS" : config.endpoint().toString();
    this.anonymous = anonymous;
  }

  /** A request to the store. */
  interface Request<T> {
    T send();
  }

  /**
   * @throws BusyException when the store asks to come back later
   * @throws IOException when it cannot be reached
   */
  <T> T ask(S3Address address, Request<T> request)
      throws IOException, DownloadException, InterruptedException {
    try {
      return request.send();
    } catch (AbortedException e) {
      Thread.interrupted();
      throw new InterruptedException("download stopped");
    } catch (AwsServiceException e) {
      throw refusal(address, e);
    } catch (SdkClientException e) {
      throw new IOException("%s cannot be reached: %s".formatted(store, rootReason(e)), e);
    }
  }

  DownloadException nothingThere(S3Address address) {
    return new DownloadException(
        FailureCode.MODEL_NOT_FOUND,
        "there is nothing below %s/ in bucket %s: check the id"
            .formatted(address.prefix(), address.bucket()));
  }

  private IOException refusal(S3Address address, AwsServiceException e) throws DownloadException {
    String code =
        Optional.ofNullable(e.awsErrorDetails()).map(AwsErrorDetails::errorCode).orElse("");
    int status = e.statusCode();
    if (status >= 500 || status == 408 || status == 429 || code.equals("SlowDown")) {
      return new BusyException("%s answered %d %s".formatted(store, status, code).strip(), null);
    }
    if (status == 412 || code.equals("NoSuchKey")) {
      throw new DownloadException(
          FailureCode.INCOMPLETE_MODEL,
          "%s changes while it is downloaded: wait until its upload is complete".formatted(address),
          new ChangedObjectException(e));
    }
    throw refused(address, code, e);
  }

  private DownloadException refused(S3Address address, String code, AwsServiceException e) {
    FailureCode failure = failure(code, e.statusCode());
    return new DownloadException(failure, sentence(address, code, e), e);
  }

  private static FailureCode failure(String code, int status) {
    return switch (code) {
      case "NoSuchBucket" -> FailureCode.MODEL_NOT_FOUND;
      case "InvalidAccessKeyId",
          "SignatureDoesNotMatch",
          "ExpiredToken",
          "ExpiredTokenException",
          "TokenRefreshRequired",
          "InvalidToken",
          "InvalidIdentityToken",
          "IDPCommunicationError",
          "RequestTimeTooSkewed" ->
          FailureCode.WRONG_TOKEN;
      case "AuthorizationHeaderMalformed",
          "PermanentRedirect",
          "IllegalLocationConstraintException" ->
          FailureCode.WRONG_ARGUMENTS;
      default ->
          status == 403 || status == 401
              ? FailureCode.ACCESS_DENIED
              : FailureCode.SOURCE_UNREACHABLE;
    };
  }

  private String sentence(S3Address address, String code, AwsServiceException e) {
    String message =
        Optional.ofNullable(e.awsErrorDetails())
            .map(AwsErrorDetails::errorMessage)
            .orElse("no reason given");
    return switch (code) {
      case "NoSuchBucket" ->
          "there is no bucket %s at %s: check the id and S3_ENDPOINT_URL"
              .formatted(address.bucket(), store);
      case "InvalidAccessKeyId" ->
          "%s does not know the access key: check %s".formatted(store, KEYS);
      case "SignatureDoesNotMatch" ->
          "%s finds that the secret key does not belong to the access key: check %s"
              .formatted(store, KEYS);
      case "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "InvalidToken" ->
          "the session token is expired or wrong: renew AWS_SESSION_TOKEN with its keys";
      case "RequestTimeTooSkewed" ->
          "%s finds that this machine's clock is wrong: set it".formatted(store);
      case "AuthorizationHeaderMalformed",
          "PermanentRedirect",
          "IllegalLocationConstraintException" ->
          wrongRegion(address, message);
      case "InvalidIdentityToken", "IDPCommunicationError" ->
          "AWS does not accept the identity of this pod: check its service account's role (%s)"
              .formatted(message);
      default ->
          e.statusCode() == 403 || e.statusCode() == 401
              ? forbidden(address)
              : "%s answered %d %s: %s".formatted(store, e.statusCode(), code, message);
    };
  }

  private String forbidden(S3Address address) {
    return anonymous
        ? "bucket %s cannot be read without credentials: set %s".formatted(address.bucket(), KEYS)
        : "the credentials in use may not read %s: they need s3:ListBucket on the bucket and s3:GetObject below the prefix"
            .formatted(address);
  }

  private static String wrongRegion(S3Address address, String message) {
    Matcher expected = EXPECTED_REGION.matcher(message);
    return expected.find()
        ? "bucket %s lies in another region: set AWS_REGION=%s"
            .formatted(address.bucket(), expected.group(1))
        : "bucket %s lies in another region: set AWS_REGION (%s)"
            .formatted(address.bucket(), message);
  }

  /** The SDK wraps what happened several times. */
  private static String rootReason(Throwable e) {
    Throwable root = e;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return root.getClass().getSimpleName().equals("UnknownHostException")
        ? "no host " + root.getMessage()
        : String.valueOf(root.getMessage());
  }
}
