package dev.lorax.launcher.hub;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lorax.launcher.download.Checksum;
import dev.lorax.launcher.download.DownloadException;
import dev.lorax.launcher.download.RemoteFile;
import dev.lorax.launcher.failure.FailureCode;
import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a repository holds at a commit.
 *
 * @param files by path; null where the listing tells no size or no hash, as some mirrors do
 */
record HubListing(String commit, Map<String, @Nullable RemoteFile> files) {

  private static final ObjectMapper JSON = new ObjectMapper();

  /** The part of a file's address, and of its path in the cache, that must not lead elsewhere. */
  private static final Pattern SAFE_PATH = Pattern.compile("[^/\\\\\\x00]+(/[^/\\\\\\x00]+)*");

  private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
  private static final Pattern SHA1 = Pattern.compile("[0-9a-f]{40}");
  private static final Pattern SAFE_ETAG = Pattern.compile("[\\w.+=-]{1,128}");

  Set<String> paths() {
    return files.keySet();
  }

  /** Reads the answer to {@code /api/models/<id>/revision/<revision>?blobs=true}. */
  static HubListing read(InputStream body, HubRepository repository)
      throws IOException, DownloadException {
    JsonNode json = JSON.readTree(body);
    String commit = json.path("sha").asText();
    if (!HubRepository.isCommit(commit) || !json.path("siblings").isArray()) {
      throw new DownloadException(
          FailureCode.SOURCE_UNREACHABLE,
          "the answer about %s is not that of a hub: expected sha and siblings; check HF_ENDPOINT"
              .formatted(repository));
    }
    Map<String, @Nullable RemoteFile> files = new TreeMap<>();
    for (JsonNode sibling : json.path("siblings")) {
      String path = sibling.path("rfilename").asText();
      if (!SAFE_PATH.matcher(path).matches() || Set.of(path.split("/")).contains("..")) {
        throw new DownloadException(
            FailureCode.CORRUPT_FILE, "%s lists a file named %s".formatted(repository, path));
      }
      files.put(path, file(path, sibling));
    }
    return new HubListing(commit, files);
  }

  private static @Nullable RemoteFile file(String path, JsonNode sibling) {
    String etag = sibling.at("/lfs/sha256").asText(sibling.path("blobId").asText());
    JsonNode size =
        sibling.at("/lfs/size").isNumber() ? sibling.at("/lfs/size") : sibling.path("size");
    return etag.isEmpty() || !size.isNumber() ? null : file(path, size.longValue(), etag);
  }

  /**
   * The hub's ETag is the SHA-256 of what large file storage holds, and git's hash of the rest.
   *
   * @return null for an ETag that cannot name a file in the cache
   */
  static @Nullable RemoteFile file(String path, long size, String etag) {
    if (!SAFE_ETAG.matcher(etag).matches()) {
      return null;
    }
    Checksum checksum =
        SHA256.matcher(etag).matches()
            ? new Checksum(Checksum.Kind.SHA256, etag)
            : SHA1.matcher(etag).matches() ? new Checksum(Checksum.Kind.GIT_BLOB, etag) : null;
    return new RemoteFile(path, size, etag, checksum);
  }
}
