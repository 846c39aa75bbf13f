package dev.lorax.launcher.members;

import dev.lorax.launcher.config.AccessFiles;
import dev.lorax.launcher.config.ClientPatience;
import dev.lorax.launcher.config.CrossOrigin;
import dev.lorax.launcher.config.LauncherConfig;
import dev.lorax.launcher.config.RouterConfig;
import dev.lorax.launcher.config.TokenLimits;
import dev.lorax.launcher.model.ModelDirectory;
import dev.lorax.launcher.process.MemberCommand;
import dev.lorax.launcher.process.MemberName;
import java.net.InetAddress;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Command line of the router, as upstream's launcher writes it. */
public final class RouterCommand {

  private final RouterConfig config;
  private final Duration drainTimeout;
  private final Path firstShard;

  public RouterCommand(LauncherConfig config, EpochDirectories epochs) {
    this.config = config.router();
    // Less than the launcher's own patience, so that the router can say what it cuts off.
    Duration patience = config.restarts().drainTimeout();
    this.drainTimeout = patience.minus(patience.dividedBy(6));
    this.firstShard = epochs.currentFirstShard();
  }

  MemberCommand forStart(long start, ModelDirectory model) {
    return new MemberCommand(MemberName.ROUTER, start, arguments(model), environment());
  }

  /** What the router would otherwise inherit, or what upstream's has no option for. */
  private Map<String, String> environment() {
    Integer chunk = config.prefillChunkTokens();
    ClientPatience clients = config.clients();
    return Map.of(
        "EAGER_PREFILL", Boolean.toString(config.eagerPrefill()),
        "PREFIX_CACHING", Boolean.toString(config.prefixCaching()),
        "PREFILL_CHUNK_TOKENS", chunk == null ? "" : chunk.toString(),
        "CLIENT_REQUEST_TIMEOUT_S", Long.toString(clients.request().toSeconds()),
        "CLIENT_ANSWER_TIMEOUT_S", Long.toString(clients.answer().toSeconds()),
        "CLIENT_IDLE_TIMEOUT_S", Long.toString(clients.idle().toSeconds()),
        "DRAIN_TIMEOUT_S", Long.toString(drainTimeout.toSeconds()));
  }

  /** Where the router answers when it can serve, seen from the same host or pod. */
  URI health() {
    InetAddress address =
        config.hostname().isAnyLocalAddress()
            ? InetAddress.ofLiteral("127.0.0.1")
            : config.hostname();
    String scheme = config.access().scheme();
    return URI.create("%s://%s:%d/health".formatted(scheme, literal(address), config.port()));
  }

  private static String literal(InetAddress address) {
    String text = address.getHostAddress();
    return text.contains(":") ? "[" + text + "]" : text;
  }

  private List<String> arguments(ModelDirectory model) {
    List<String> arguments = new ArrayList<>(List.of("lorax-router"));
    add(arguments, "--model-id", model.name());
    add(arguments, "--tokenizer-name", model.path());
    add(arguments, "--master-shard-uds-path", firstShard);
    add(arguments, "--hostname", config.hostname().getHostAddress());
    add(arguments, "--port", config.port());
    add(arguments, "--max-concurrent-requests", config.maxConcurrentRequests());
    add(arguments, "--max-best-of", config.maxBestOf());
    add(arguments, "--max-stop-sequences", config.maxStopSequences());
    addTokenLimits(arguments, model);
    add(arguments, "--waiting-served-ratio", config.waitingServedRatio());
    add(arguments, "--max-waiting-tokens", config.maxWaitingTokens());
    if (config.eagerPrefill()) {
      arguments.add("--eager-prefill");
    }
    if (config.prefixCaching()) {
      arguments.add("--prefix-caching");
    }
    add(arguments, "--max-active-adapters", config.maxActiveAdapters());
    add(arguments, "--adapter-cycle-time-s", config.adapterCycleTimeSeconds());
    add(arguments, "--validation-workers", config.validationWorkers());
    add(arguments, "--adapter-source", config.defaultAdapterSource());
    addIfGiven(arguments, "--otlp-endpoint", config.otlpEndpoint());
    AccessFiles files = config.access();
    addIfGiven(arguments, "--api-keys-file", files.apiKeys());
    addIfGiven(arguments, "--tls-cert-file", files.certificate());
    addIfGiven(arguments, "--tls-key-file", files.key());
    addCrossOrigin(arguments);
    // The launcher writes the router's lines into its own log, and for that it must read them.
    arguments.add("--json-output");
    return arguments;
  }

  private void addTokenLimits(List<String> arguments, ModelDirectory model) {
    var limits =
        TokenLimits.of(config.limits(), config.chunkedPrefill(), model.maxPositionEmbeddings());
    add(arguments, "--max-input-length", limits.input());
    add(arguments, "--max-total-tokens", limits.total());
    add(arguments, "--max-batch-prefill-tokens", limits.batchPrefill());
    addIfGiven(arguments, "--max-batch-total-tokens", limits.batchTotal());
  }

  private void addCrossOrigin(List<String> arguments) {
    CrossOrigin pages = config.crossOrigin();
    pages.origins().forEach(origin -> add(arguments, "--cors-allow-origin", origin));
    pages.methods().forEach(method -> add(arguments, "--cors-allow-method", method));
    pages.headers().forEach(header -> add(arguments, "--cors-allow-header", header));
    pages.exposedHeaders().forEach(header -> add(arguments, "--cors-expose-header", header));
    if (pages.credentials()) {
      add(arguments, "--cors-allow-credentials", true);
    }
  }

  private static void addIfGiven(List<String> arguments, String option, @Nullable Object value) {
    if (value != null) {
      add(arguments, option, value);
    }
  }

  private static void add(List<String> arguments, String option, Object value) {
    arguments.add(option);
    arguments.add(value.toString());
  }
}
