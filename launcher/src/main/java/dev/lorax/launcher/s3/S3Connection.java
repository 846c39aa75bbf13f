package dev.lorax.launcher.s3;

import dev.lorax.launcher.config.CertificateAuthorities;
import dev.lorax.launcher.config.S3Config;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.auth.credentials.AnonymousCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.regions.providers.AwsProfileRegionProvider;
import software.amazon.awssdk.services.s3.S3Client;

/** How a store is spoken to: address, region, credentials. */
final class S3Connection {

  private static final Logger LOG = LoggerFactory.getLogger("launcher");
  private static final Duration CONNECT = Duration.ofSeconds(10);

  private S3Connection() {}

  /**
   * Waits up to a few seconds where only the machine's own role could be the credentials.
   *
   * @param stall a store that sends nothing for so long has failed
   */
  static S3Store open(S3Config config, Duration stall) {
    AwsCredentialsProvider credentials = credentials(config);
    var builder =
        S3Client.builder()
            .region(region(config))
            .credentialsProvider(credentials)
            .httpClientBuilder(http(config, stall))
            // Downloads have their own patience, which people can see in the log.
            .overrideConfiguration(options -> options.retryStrategy(AwsRetryStrategy.doNotRetry()));
    URI endpoint = config.endpoint();
    if (endpoint == null) {
      builder.crossRegionAccessEnabled(true);
    } else {
      // Other stores know neither host names for buckets nor Amazon's newer checksums.
      builder
          .endpointOverride(endpoint)
          .forcePathStyle(true)
          .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
          .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED);
    }
    boolean anonymous = credentials instanceof AnonymousCredentialsProvider;
    return new S3Store(builder.build(), new S3Refusals(config, anonymous));
  }

  private static UrlConnectionHttpClient.Builder http(S3Config config, Duration stall) {
    var http = UrlConnectionHttpClient.builder().connectionTimeout(CONNECT).socketTimeout(stall);
    CertificateAuthorities authorities = config.authorities();
    return authorities == null ? http : http.tlsTrustManagersProvider(authorities::trustManagers);
  }

  private static AwsCredentialsProvider credentials(S3Config config) {
    var id = config.accessKeyId();
    var secret = config.secretAccessKey();
    var session = config.sessionToken();
    if (id != null && secret != null) {
      return StaticCredentialsProvider.create(
          session == null
              ? AwsBasicCredentials.create(id, secret.value())
              : AwsSessionCredentials.create(id, secret.value(), session.value()));
    }
    return ofSurroundings();
  }

  /** Web identity of a pod, profile, role of the container or the machine, in the SDK's order. */
  private static AwsCredentialsProvider ofSurroundings() {
    var surroundings = DefaultCredentialsProvider.builder().build();
    try {
      surroundings.resolveCredentials();
      return surroundings;
    } catch (SdkException e) {
      LOG.atInfo().log("no AWS credentials found, asking S3 without a signature");
      LOG.atDebug().addKeyValue("reason", e.getMessage()).log("where credentials were looked for");
      surroundings.close();
      return AnonymousCredentialsProvider.create();
    }
  }

  /** Across regions, AWS itself says where a bucket is, so any will do to begin with. */
  private static Region region(S3Config config) {
    return Optional.ofNullable(config.region())
        .or(S3Connection::ofProfile)
        .map(Region::of)
        .orElse(Region.US_EAST_1);
  }

  private static Optional<String> ofProfile() {
    try {
      @Nullable Region region = new AwsProfileRegionProvider().getRegion();
      return Optional.ofNullable(region).map(Region::id);
    } catch (SdkException noneSet) {
      return Optional.empty();
    }
  }
}
