package dev.lorax.launcher.s3;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import org.gaul.s3proxy.BlobStores;
import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.CompletedPart;

/** S3Proxy over a directory, asking for signatures, with a client to fill it. */
public final class TestingStore implements AutoCloseable {

  public static final String KEY_ID = "AKIATESTING";
  public static final String SECRET = "the-secret-of-the-test";
  public static final String BUCKET = "models";

  private final S3Proxy server;
  private final S3Client client;

  public TestingStore(Path directory) throws Exception {
    var properties = new Properties();
    properties.setProperty(
        "jclouds.filesystem.basedir", Files.createDirectories(directory).toString());
    server =
        S3Proxy.builder()
            .blobStore(BlobStores.create("filesystem", properties))
            .awsAuthentication(AuthenticationType.AWS_V4, KEY_ID, SECRET)
            .endpoint(URI.create("http://127.0.0.1:0"))
            .build();
    server.start();
    client =
        S3Client.builder()
            .endpointOverride(endpoint())
            .region(Region.US_EAST_1)
            .forcePathStyle(true)
            .httpClientBuilder(UrlConnectionHttpClient.builder())
            .credentialsProvider(
                StaticCredentialsProvider.create(AwsBasicCredentials.create(KEY_ID, SECRET)))
            .build();
    client.createBucket(request -> request.bucket(BUCKET));
  }

  public URI endpoint() {
    return URI.create("http://127.0.0.1:" + server.getPort());
  }

  public void put(String key, byte[] content) {
    client.putObject(request -> request.bucket(BUCKET).key(key), RequestBody.fromBytes(content));
  }

  /** In parts, so that its ETag is no MD5. */
  void putInParts(String key, byte[]... parts) {
    String upload =
        client.createMultipartUpload(request -> request.bucket(BUCKET).key(key)).uploadId();
    var completed = new CompletedPart[parts.length];
    for (int i = 0; i < parts.length; i++) {
      int number = i + 1;
      String etag =
          client
              .uploadPart(
                  request -> request.bucket(BUCKET).key(key).uploadId(upload).partNumber(number),
                  RequestBody.fromBytes(parts[i]))
              .eTag();
      completed[i] = CompletedPart.builder().partNumber(number).eTag(etag).build();
    }
    client.completeMultipartUpload(request ->
        request
            .bucket(BUCKET)
            .key(key)
            .uploadId(upload)
            .multipartUpload(all -> all.parts(completed)));
  }

  /** Everything in a directory, below a prefix. */
  public void putDirectory(Path directory, String prefix) throws IOException {
    try (var files = Files.list(directory)) {
      for (var file : files.filter(Files::isRegularFile).toList()) {
        put(prefix + "/" + file.getFileName(), Files.readAllBytes(file));
      }
    }
  }

  @Override
  public void close() throws Exception {
    client.close();
    server.stop();
  }
}
