package dev.lorax.crds.v1alpha1;

import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Arguments of the launcher that {@code spec.launcher.args} must not name, because the operator
 * sets them itself. The schema refuses them, and so does the planner, whose API server may hold an
 * older schema.
 */
public final class OwnedArguments {

  private static final Map<String, String> FIELDS =
      Map.ofEntries(
          Map.entry("--model-id", "spec.model"),
          Map.entry("--source", "spec.model"),
          Map.entry("--revision", "spec.model.hub.revision"),
          Map.entry("--dtype", "spec.dtype"),
          Map.entry("--quantize", "spec.quantize"),
          Map.entry("--sharded", "spec.shards.count"),
          Map.entry("--num-shard", "spec.shards.count"),
          Map.entry("--shard-placement", "spec.shards.placement"),
          Map.entry("--device", "spec.shards.device"),
          Map.entry("--adapter-source", "spec.adapters.source"),
          Map.entry("--adapter-id", "spec.adapters.staticId"),
          Map.entry("--adapter-root", "spec.adapters.pvc"),
          Map.entry("--preloaded-adapter-ids", "spec.adapters.preload"),
          Map.entry("--drain-timeout", "spec.drainTimeout"),
          Map.entry("--max-input-length", "spec.router.maxInputLength"),
          Map.entry("--max-total-tokens", "spec.router.maxTotalTokens"),
          Map.entry("--max-batch-total-tokens", "spec.router.maxBatchTotalTokens"),
          Map.entry("--max-batch-prefill-tokens", "spec.router.maxBatchPrefillTokens"),
          Map.entry("--max-concurrent-requests", "spec.router.maxConcurrentRequests"),
          Map.entry("--max-active-adapters", "spec.router.maxActiveAdapters"),
          Map.entry("--adapter-cycle-time-s", "spec.router.adapterCycleTimeSeconds"),
          Map.entry("--api-keys-file", "spec.router.apiKeysSecret"),
          Map.entry("--tls-cert-file", "spec.router.tlsSecret"),
          Map.entry("--tls-key-file", "spec.router.tlsSecret"),
          Map.entry("--huggingface-hub-cache", "spec.cache"));

  /** They follow from the shape of the pod, or end the launcher before it serves. */
  private static final String[] FIXED = {
    "--process-host",
    "--hostname",
    "--port",
    "-p",
    "--status-port",
    "--shard-uds-path",
    "--agent-dir",
    "--termination-log",
    "--download-only",
    "--env",
    "-e",
    "--help",
    "-h",
    "--version"
  };

  private static final SortedMap<String, String> REMEDIES = remedies();

  private OwnedArguments() {}

  /** What to do instead, by the name of the argument. */
  public static SortedMap<String, String> all() {
    return REMEDIES;
  }

  /**
   * Why {@code argument}, as one stands on a command line, is refused; null where it is not. The
   * schema says the same words.
   */
  public static @Nullable String refusal(String argument) {
    String name = argument.split("=", 2)[0];
    String remedy = REMEDIES.get(name);
    return remedy == null
        ? null
        : "spec.launcher.args names " + name + ", which the operator sets itself: " + remedy;
  }

  private static SortedMap<String, String> remedies() {
    var remedies = new TreeMap<String, String>();
    FIELDS.forEach((name, field) -> remedies.put(name, "set " + field + " instead"));
    for (String name : FIXED) {
      remedies.put(name, "remove it");
    }
    return Collections.unmodifiableSortedMap(remedies);
  }
}
