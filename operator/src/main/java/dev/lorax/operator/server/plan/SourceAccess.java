package dev.lorax.operator.server.plan;

import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * How the processes of a replica reach what they download, by the names of the variables that
 * everybody's clients of hubs and buckets read. Secrets are named here, never known.
 *
 * @param settings variables of launcher and shards that are no secrets
 * @param credentials variables of launcher and shards that are
 * @param hubToken null where the hub is asked without one
 */
public record SourceAccess(
    SortedMap<String, String> settings,
    List<SecretVariable> credentials,
    @Nullable SecretValue hubToken) {

  /** The launcher's: a new value counts from its next start, and a missing one is told by name. */
  public static final String HUB_TOKEN = "HF_TOKEN";

  /**
   * The shards': they fetch adapters as long as they live, and kubelet keeps a file up to date but
   * not a variable.
   */
  public static final String HUB_TOKEN_FILE = "HF_TOKEN_PATH";

  public SourceAccess {
    settings = Collections.unmodifiableSortedMap(new TreeMap<>(settings));
    credentials = List.copyOf(credentials);
  }

  /** One value of a Secret. */
  public record SecretValue(String secret, String key) {}

  /** A variable whose value comes from a Secret; {@code optional} where the key may be missing. */
  public record SecretVariable(String name, SecretValue value, boolean optional) {}
}
