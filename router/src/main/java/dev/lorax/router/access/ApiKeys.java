package dev.lorax.router.access;

import dev.lorax.router.batching.Ticker;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The API keys of the server, from a file that is read again when it changes. A file that cannot be
 * read any more leaves the keys as they were: a mistake in a Secret must lock nobody out, and let
 * nobody in. Thread-safe.
 */
public final class ApiKeys {
  private static final Logger LOG = LoggerFactory.getLogger(ApiKeys.class);
  private static final long LOOK_NANOS = 1_000_000_000;

  private final @Nullable Path file;
  private final Ticker ticker;
  private final Caller anybody;
  private volatile Map<String, Caller> byHash = Map.of();
  private @Nullable FileTime read;
  private long lookedNanos;

  private ApiKeys(@Nullable Path file, Ticker ticker) {
    this.file = file;
    this.ticker = ticker;
    this.anybody = Caller.anybody(ticker);
  }

  /**
   * Reads the file; without one everybody may do everything.
   *
   * @throws ApiKeysException if the file cannot be read or is not what it should be
   */
  public static ApiKeys load(@Nullable Path file, Ticker ticker) throws ApiKeysException {
    var keys = new ApiKeys(file, ticker);
    if (file != null) {
      try {
        keys.read(file);
      } catch (ApiKeysException e) {
        throw e;
      } catch (NoSuchFileException e) {
        throw new ApiKeysException("expected a file at " + file + ", got none", e);
      } catch (IOException e) {
        throw new ApiKeysException(file + " cannot be read: " + e, e);
      }
    }
    return keys;
  }

  /** Whether a key is asked for at all. */
  public boolean required() {
    return file != null;
  }

  /** Whose key it is, or null if it is nobody's. */
  public @Nullable Caller caller(@Nullable String key) {
    if (file == null) {
      return anybody;
    }
    look(file);
    return key == null ? null : byHash.get(sha256(key));
  }

  private synchronized void look(Path path) {
    long now = ticker.nanos();
    if (now - lookedNanos < LOOK_NANOS) {
      return;
    }
    lookedNanos = now;
    try {
      if (!Files.getLastModifiedTime(path).equals(read)) {
        read(path);
      }
    } catch (IOException e) {
      LOG.atError()
          .addKeyValue("file", path)
          .addKeyValue("reason", e.getMessage())
          .log("API keys not read again, those known stay");
    }
  }

  private synchronized void read(Path path) throws IOException {
    FileTime modified = Files.getLastModifiedTime(path);
    read = modified;
    Map<String, Caller> known = byHash;
    var callers = new HashMap<String, Caller>();
    for (ApiKey key : ApiKeysFile.parse(Files.readString(path))) {
      Caller before = known.get(key.sha256());
      // Who stays the same keeps what is left of their budget.
      boolean same = before != null && key.equals(before.key());
      callers.put(key.sha256(), same ? before : Caller.of(key, ticker));
    }
    byHash = Map.copyOf(callers);
    lookedNanos = ticker.nanos();
    LOG.atInfo().addKeyValue("keys", callers.size()).log("API keys read");
  }

  private static String sha256(String key) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      return HexFormat.of().formatHex(digest.digest(key.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
