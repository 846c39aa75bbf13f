package dev.lorax.launcher.s3;

import dev.lorax.launcher.download.DownloadException;
import dev.lorax.launcher.download.FileSelection;
import dev.lorax.launcher.download.RemoteFile;
import dev.lorax.launcher.download.RemoteSource;
import java.io.FilterInputStream;
import java.io.IOException;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import software.amazon.awssdk.core.ResponseInputStream;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.GetObjectRequest;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.HeadObjectRequest;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Request;

/** The three requests that a download needs. Thread-safe. */
final class S3Store implements AutoCloseable {

  private static final Pattern CONTENT_RANGE = Pattern.compile("bytes (\\d+)-.*");

  private final S3Client client;
  private final S3Refusals refusals;

  S3Store(S3Client client, S3Refusals refusals) {
    this.client = client;
    this.refusals = refusals;
  }

  /** What lies directly below the address, however many pages the store makes of it. */
  S3Listing list(S3Address address, FileSelection selection)
      throws IOException, DownloadException, InterruptedException {
    var request =
        ListObjectsV2Request.builder()
            .bucket(address.bucket())
            .prefix(address.key(""))
            .delimiter("/")
            .build();
    SortedMap<String, RemoteFile> files = new TreeMap<>();
    refusals.ask(
        address,
        () -> {
          for (var object : client.listObjectsV2Paginator(request).contents()) {
            String name = object.key().substring(address.key("").length());
            if (!name.isEmpty()) {
              files.put(name, S3Listing.file(name, object.size(), unquoted(object.eTag())));
            }
          }
          return files;
        });
    if (files.isEmpty()) {
      throw refusals.nothingThere(address);
    }
    return new S3Listing(address, selection, files);
  }

  /**
   * The file with what can be verified of it: where a key management service encrypts, the ETag is
   * no hash of the content, and only asking for the very object tells.
   */
  RemoteFile describe(S3Address address, RemoteFile file)
      throws IOException, DownloadException, InterruptedException {
    var request =
        HeadObjectRequest.builder().bucket(address.bucket()).key(address.key(file.path())).build();
    HeadObjectResponse head = refusals.ask(address, () -> client.headObject(request));
    String encryption = String.valueOf(head.serverSideEncryptionAsString());
    boolean opaque = encryption.contains("kms") || head.sseCustomerAlgorithm() != null;
    return opaque ? new RemoteFile(file.path(), file.size(), file.version(), null) : file;
  }

  /** The bytes of the files below an address, each only as long as it is the version listed. */
  RemoteSource source(S3Address address) {
    return (file, offset) -> {
      var request =
          GetObjectRequest.builder()
              .bucket(address.bucket())
              .key(address.key(file.path()))
              .ifMatch('"' + file.version() + '"');
      if (offset > 0) {
        request.range("bytes=%d-".formatted(offset));
      }
      ResponseInputStream<GetObjectResponse> body =
          refusals.ask(address, () -> client.getObject(request.build()));
      return new RemoteSource.Body(new Abortable(body), start(body.response().contentRange()));
    };
  }

  private static long start(String contentRange) {
    Matcher range = CONTENT_RANGE.matcher(String.valueOf(contentRange));
    return range.matches() ? Long.parseLong(range.group(1)) : 0;
  }

  private static String unquoted(String etag) {
    return etag.replace("\"", "");
  }

  /** Closing means to want no more of it, where the SDK would first read the rest. */
  private static final class Abortable extends FilterInputStream {

    private final ResponseInputStream<?> body;

    Abortable(ResponseInputStream<?> body) {
      super(body);
      this.body = body;
    }

    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
      return body.read(buffer, offset, length);
    }

    @Override
    public void close() {
      body.abort();
    }
  }

  @Override
  public void close() {
    client.close();
  }
}
