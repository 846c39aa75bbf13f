package dev.lorax.launcher.testing.hub;

import static java.util.Objects.requireNonNull;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/** A model repository with its commits. Every change of a file is a commit on main. */
public final class HubRepo {

  /** Larger or binary files are kept by large file storage, on the store beside the hub. */
  private static final int LARGE_BYTES = 1 << 20;

  /** Who may read it. */
  public enum Access {
    PUBLIC,
    PRIVATE,
    GATED
  }

  /**
   * A file of a commit.
   *
   * @param large kept by large file storage
   */
  record Content(byte[] bytes, boolean large) {

    String gitHash() {
      byte[] stored = large ? pointer() : bytes;
      byte[] head = "blob %d\0".formatted(stored.length).getBytes(StandardCharsets.US_ASCII);
      return hash("SHA-1", head, stored);
    }

    String sha256() {
      return hash("SHA-256", bytes);
    }

    /** As in the ETag of the hub. */
    String etag() {
      return large ? sha256() : gitHash();
    }

    /** What git holds in place of a large file. */
    byte[] pointer() {
      return "version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n"
          .formatted(sha256(), bytes.length)
          .getBytes(StandardCharsets.US_ASCII);
    }
  }

  private final String id;
  private final Map<String, SortedMap<String, Content>> commits = new ConcurrentHashMap<>();
  private final Map<String, String> refs = new ConcurrentHashMap<>();
  private volatile Access access = Access.PUBLIC;

  HubRepo(String id) {
    this.id = id;
    commit(new TreeMap<>());
  }

  public String id() {
    return id;
  }

  public HubRepo access(Access who) {
    access = who;
    return this;
  }

  Access access() {
    return access;
  }

  public HubRepo put(String path, String text) {
    return put(path, text.getBytes(StandardCharsets.UTF_8));
  }

  public HubRepo put(String path, byte[] bytes) {
    var files = new TreeMap<>(files(head()));
    boolean binary = path.matches(".*\\.(safetensors|bin|gguf)");
    files.put(path, new Content(bytes.clone(), binary || bytes.length >= LARGE_BYTES));
    commit(files);
    return this;
  }

  /** A branch or tag of the newest commit. */
  public HubRepo tag(String name) {
    refs.put(name, head());
    return this;
  }

  /** The newest commit of main. */
  public String head() {
    return requireNonNull(refs.get("main"));
  }

  /** The hash that names a file's content in a cache. */
  public String etag(String path) {
    return file(head(), path).etag();
  }

  /** Bytes of the newest commit's files. */
  public Map<String, Long> sizes() {
    Map<String, Long> sizes = new TreeMap<>();
    files(head()).forEach((path, content) -> sizes.put(path, (long) content.bytes().length));
    return sizes;
  }

  Optional<String> resolve(String revision) {
    return commits.containsKey(revision)
        ? Optional.of(revision)
        : Optional.ofNullable(refs.get(revision));
  }

  SortedMap<String, Content> files(String commit) {
    return requireNonNull(commits.get(commit), commit);
  }

  Content file(String commit, String path) {
    return requireNonNull(files(commit).get(path), path);
  }

  private void commit(SortedMap<String, Content> files) {
    var tree = new StringBuilder(id);
    files.forEach((path, content) -> tree.append(path).append(content.sha256()));
    String commit = hash("SHA-1", tree.toString().getBytes(StandardCharsets.UTF_8));
    commits.put(commit, files);
    refs.put("main", commit);
  }

  static String hash(String algorithm, byte[]... parts) {
    try {
      var digest = MessageDigest.getInstance(algorithm);
      for (var part : parts) {
        digest.update(part);
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }
}
