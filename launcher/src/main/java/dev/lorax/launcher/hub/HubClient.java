package dev.lorax.launcher.hub;

import dev.lorax.launcher.config.HubConfig;
import dev.lorax.launcher.download.DownloadException;
import dev.lorax.launcher.download.RemoteFile;
import dev.lorax.launcher.download.RemoteSource;
import dev.lorax.launcher.failure.FailureCode;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The part of the hub's API that a download needs. Thread-safe. */
final class HubClient implements AutoCloseable {

  private static final String USER_AGENT = "lorax-launcher";
  private static final Pattern CONTENT_RANGE = Pattern.compile("bytes (\\d+)-.*");

  private final HubConfig config;
  private final HubHttp http;
  private final HubRefusals refusals;

  HubClient(HubConfig config, InstantSource clock) {
    this.config = config;
    this.http = new HubHttp(config, USER_AGENT);
    this.refusals = new HubRefusals(config, clock);
  }

  /** One request: the commit that the revision means now, and its files. */
  HubListing list(HubRepository repository)
      throws IOException, DownloadException, InterruptedException {
    URI uri =
        URI.create(
            "%s/api/models/%s/revision/%s?blobs=true"
                .formatted(config.endpoint(), repository.id(), encode(repository.revision())));
    var answer = http.get(uri, 0);
    try (var body = answer.response().body()) {
      if (answer.status() != 200) {
        throw refusals.refusal(answer, repository, "list of files", true);
      }
      return HubListing.read(body, repository);
    }
  }

  /** One request about one file, where the listing does not tell enough. */
  RemoteFile describe(HubRepository repository, String commit, String path)
      throws IOException, DownloadException, InterruptedException {
    var answer = http.head(resolve(repository, commit, path));
    answer.response().body().close();
    if (answer.status() / 100 > 3) {
      throw refusals.refusal(answer, repository, path, true);
    }
    String etag = either(answer, "X-Linked-Etag", "ETag").replaceFirst("^W/", "").replace("\"", "");
    String size = either(answer, "X-Linked-Size", "Content-Length");
    RemoteFile file =
        size.matches("\\d{1,18}") ? HubListing.file(path, Long.parseLong(size), etag) : null;
    if (file == null) {
      throw new DownloadException(
          FailureCode.SOURCE_UNREACHABLE,
          "%s tells no size and ETag of %s: it is not a hub, or a proxy removes them"
              .formatted(config.endpoint(), path));
    }
    return file;
  }

  private static String either(HubHttp.Answer answer, String linked, String plain) {
    String value = answer.header(linked);
    return value.isEmpty() ? answer.header(plain) : value;
  }

  /** The files of one commit, as what the download core fetches from. */
  RemoteSource source(HubRepository repository, String commit) {
    return (file, offset) -> open(repository, commit, file, offset);
  }

  private RemoteSource.Body open(
      HubRepository repository, String commit, RemoteFile file, long offset)
      throws IOException, DownloadException, InterruptedException {
    var answer = http.get(resolve(repository, commit, file.path()), offset);
    return switch (answer.status()) {
      case 200 -> new RemoteSource.Body(answer.response().body(), 0);
      case 206 -> new RemoteSource.Body(answer.response().body(), rangeStart(answer, offset));
      default -> {
        answer.response().body().close();
        throw refusals.refusal(answer, repository, file.path(), http.isHub(answer.uri()));
      }
    };
  }

  private static long rangeStart(HubHttp.Answer answer, long asked) throws IOException {
    Matcher range = CONTENT_RANGE.matcher(answer.header("Content-Range"));
    if (!range.matches() || Long.parseLong(range.group(1)) != asked) {
      answer.response().body().close();
      throw new IOException(
          "%s was asked for the bytes from %d and sent '%s'"
              .formatted(answer.uri().getHost(), asked, answer.header("Content-Range")));
    }
    return asked;
  }

  private URI resolve(HubRepository repository, String commit, String path) {
    String encoded =
        Arrays.stream(path.split("/")).map(HubClient::encode).collect(Collectors.joining("/"));
    return URI.create(
        "%s/%s/resolve/%s/%s".formatted(config.endpoint(), repository.id(), commit, encoded));
  }

  private static String encode(String part) {
    return URLEncoder.encode(part, StandardCharsets.UTF_8).replace("+", "%20");
  }

  @Override
  public void close() {
    http.close();
  }
}
