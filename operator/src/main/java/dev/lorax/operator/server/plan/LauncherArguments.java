package dev.lorax.operator.server.plan;

import dev.lorax.crds.v1alpha1.Adapters;
import dev.lorax.crds.v1alpha1.Adapters.Source;
import dev.lorax.crds.v1alpha1.LoraxServerSpec;
import dev.lorax.crds.v1alpha1.LoraxServerSpec.Dtype;
import dev.lorax.crds.v1alpha1.LoraxServerSpec.Quantization;
import dev.lorax.crds.v1alpha1.ModelSource;
import dev.lorax.crds.v1alpha1.OwnedArguments;
import dev.lorax.crds.v1alpha1.Router;
import dev.lorax.crds.v1alpha1.Shards.Device;
import dev.lorax.crds.v1alpha1.Shards.Placement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The launcher's command line. The names of the arguments are a contract with the launcher. */
final class LauncherArguments {

  private final List<String> arguments = new ArrayList<>();

  private LauncherArguments() {}

  static List<String> of(LoraxServerSpec spec, ClaimPlanner claims) {
    var line = new LauncherArguments();
    line.addPlace();
    line.addModel(spec.model(), claims);
    line.addShards(spec);
    line.addAdapters(spec, claims);
    line.addRouter(spec.router());
    line.add("--drain-timeout", drainTimeout(Durations.parse(spec.drainTimeout())));
    line.arguments.addAll(spec.launcher().args());
    return List.copyOf(line.arguments);
  }

  /** Problems of the arguments that a user adds, one for each that the operator sets itself. */
  static Stream<PlanProblem> problems(LoraxServerSpec spec) {
    return spec.launcher().args().stream()
        .map(OwnedArguments::refusal)
        .filter(Objects::nonNull)
        .map(refusal -> new PlanProblem(PlanProblem.Code.LAUNCHER_ARGUMENT_RESERVED, refusal));
  }

  /** Of its drain timeout a launcher gives the router five sixths and keeps one for its end. */
  private static String drainTimeout(Duration ofStreams) {
    return Math.ceilDiv(ofStreams.toSeconds() * 6, 5) + "s";
  }

  private void addPlace() {
    add("--process-host", "pod");
    add("--shard-uds-path", PodLayout.SOCKETS);
    add("--agent-dir", PodLayout.AGENT);
    add("--huggingface-hub-cache", PodLayout.CACHE);
    add("--status-port", PodLayout.STATUS_PORT);
    add("--port", PodLayout.ROUTER_PORT);
  }

  private void addModel(ModelSource model, ClaimPlanner claims) {
    if (model.hub() != null) {
      add("--source", "hub");
      add("--model-id", model.hub().id());
      add("--revision", model.hub().revision());
    } else if (model.s3() != null) {
      add("--source", "s3");
      add("--model-id", model.s3().uri());
    } else {
      add("--source", "local");
      add("--model-id", claims.modelPath());
    }
  }

  private void addShards(LoraxServerSpec spec) {
    add("--num-shard", spec.shards().count());
    add("--shard-placement", spelled(ShardPlanner.placement(spec.shards())));
    add("--device", spelled(spec.shards().device()));
    add("--dtype", spelled(spec.dtype()));
    add("--quantize", spelled(spec.quantize()));
  }

  private void addAdapters(LoraxServerSpec spec, ClaimPlanner claims) {
    add("--adapter-source", spelled(source(spec.adapters())));
    add("--adapter-root", claims.adapterRoot());
    add("--adapter-id", spec.adapters().staticId());
    spec.adapters().preload().forEach(id -> add("--preloaded-adapter-ids", id));
  }

  private void addRouter(Router router) {
    add("--max-input-length", router.maxInputLength());
    add("--max-total-tokens", router.maxTotalTokens());
    add("--max-batch-total-tokens", router.maxBatchTotalTokens());
    add("--max-batch-prefill-tokens", router.maxBatchPrefillTokens());
    add("--max-concurrent-requests", router.maxConcurrentRequests());
    add("--max-active-adapters", router.maxActiveAdapters());
    add("--adapter-cycle-time-s", router.adapterCycleTimeSeconds());
    if (router.apiKeysSecret() != null) {
      add("--api-keys-file", PodLayout.API_KEYS + "/" + PodLayout.API_KEYS_FILE);
    }
    if (router.tlsSecret() != null) {
      add("--tls-cert-file", PodLayout.TLS + "/" + PodLayout.TLS_CERTIFICATE);
      add("--tls-key-file", PodLayout.TLS + "/" + PodLayout.TLS_KEY);
    }
  }

  private void add(String name, @Nullable Object value) {
    if (value != null) {
      arguments.add(name);
      arguments.add(value.toString());
    }
  }

  /** As the launcher chooses it, said aloud so that nobody has to know its rule. */
  private static Source source(Adapters adapters) {
    if (adapters.source() != null) {
      return adapters.source();
    }
    return adapters.pvc() == null ? Source.HUB : Source.LOCAL;
  }

  private static @Nullable String spelled(@Nullable Dtype dtype) {
    return switch (dtype) {
      case null -> null;
      case FLOAT32 -> "float32";
      case BFLOAT16 -> "bfloat16";
      case FLOAT16 -> "float16";
    };
  }

  private static @Nullable String spelled(@Nullable Quantization quantize) {
    return switch (quantize) {
      case null -> null;
      case INT8 -> "int8";
      case INT4 -> "int4";
    };
  }

  private static String spelled(Source source) {
    return switch (source) {
      case HUB -> "hub";
      case S3 -> "s3";
      case LOCAL -> "local";
    };
  }

  static String spelled(Device device) {
    return switch (device) {
      case CPU -> "cpu";
      case CUDA -> "cuda";
    };
  }

  private static String spelled(Placement placement) {
    return switch (placement) {
      case PER_CONTAINER -> "PerContainer";
      case SHARED_CONTAINER -> "SharedContainer";
    };
  }
}
