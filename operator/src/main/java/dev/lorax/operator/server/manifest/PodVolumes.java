package dev.lorax.operator.server.manifest;

import dev.lorax.operator.server.plan.PodLayout;
import dev.lorax.operator.server.plan.ServingPlan;
import dev.lorax.operator.server.plan.ServingPlan.CachePlan;
import dev.lorax.operator.server.plan.SourceAccess.SecretValue;
import io.fabric8.kubernetes.api.model.KeyToPath;
import io.fabric8.kubernetes.api.model.KeyToPathBuilder;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeBuilder;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.VolumeMountBuilder;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The volumes of a replica and where its containers mount them. */
final class PodVolumes {

  private static final String MEMORY = "Memory";
  private static final String HUB_TOKEN = "hub-token";
  private static final String API_KEYS = "api-keys";
  private static final String TLS = "tls";
  private static final int READABLE_BY_GROUP = 0440;

  private final ServingPlan plan;

  PodVolumes(ServingPlan plan) {
    this.plan = plan;
  }

  List<Volume> all() {
    var volumes = new ArrayList<Volume>();
    volumes.add(emptyDir("sockets", new Quantity("16Mi"), MEMORY));
    volumes.add(emptyDir("agent", new Quantity("1Gi"), null));
    // Shards exchange tensors here; the 64 MiB that a container gets by itself are too few for
    // NCCL.
    volumes.add(emptyDir("shm", new Quantity("2Gi"), MEMORY));
    volumes.add(emptyDir("tmp", null, null));
    volumes.add(cache());
    volumes.addAll(secrets());
    for (var claim : plan.claims()) {
      volumes.add(claim(claim.volume(), claim.claimName()));
    }
    return volumes;
  }

  private List<Volume> secrets() {
    var volumes = new ArrayList<Volume>();
    SecretValue hubToken = plan.access().hubToken();
    if (hubToken != null) {
      volumes.add(secret(HUB_TOKEN, hubToken.secret(), item(hubToken.key(), PodLayout.HUB_TOKEN)));
    }
    SecretValue apiKeys = plan.router().apiKeys();
    if (apiKeys != null) {
      KeyToPath file = item(apiKeys.key(), PodLayout.API_KEYS_FILE);
      volumes.add(secret(API_KEYS, apiKeys.secret(), file));
    }
    if (plan.router().tlsSecret() != null) {
      KeyToPath certificate = item(PodLayout.TLS_CERTIFICATE, PodLayout.TLS_CERTIFICATE);
      KeyToPath key = item(PodLayout.TLS_KEY, PodLayout.TLS_KEY);
      volumes.add(secret(TLS, plan.router().tlsSecret(), certificate, key));
    }
    return volumes;
  }

  List<VolumeMount> ofLauncher() {
    var mounts = common("launcher");
    mounts.add(mount("agent", PodLayout.AGENT));
    mounts.add(mount("cache", PodLayout.CACHE));
    mounts.addAll(claims());
    return mounts;
  }

  List<VolumeMount> ofShards(String container) {
    var mounts = common(container);
    mounts.add(readOnly("agent", PodLayout.AGENT));
    // Shards put adapters here that only a request has named.
    mounts.add(mount("cache", PodLayout.CACHE));
    mounts.add(mount("shm", "/dev/shm"));
    if (plan.access().hubToken() != null) {
      mounts.add(readOnly(HUB_TOKEN, PodLayout.HUB_SECRETS));
    }
    mounts.addAll(claims());
    return mounts;
  }

  List<VolumeMount> ofRouter() {
    var mounts = common("router");
    mounts.add(readOnly("agent", PodLayout.AGENT));
    mounts.add(readOnly("cache", PodLayout.CACHE));
    if (plan.router().apiKeys() != null) {
      mounts.add(readOnly(API_KEYS, PodLayout.API_KEYS));
    }
    if (plan.router().tlsSecret() != null) {
      mounts.add(readOnly(TLS, PodLayout.TLS));
    }
    mounts.addAll(claims());
    return mounts;
  }

  /** Each container has its own part of tmp: process ids, and so file names, repeat in a pod. */
  private static List<VolumeMount> common(String container) {
    var mounts = new ArrayList<VolumeMount>();
    mounts.add(mount("sockets", PodLayout.SOCKETS));
    mounts.add(
        new VolumeMountBuilder()
            .withName("tmp")
            .withMountPath("/tmp")
            .withSubPath(container)
            .build());
    return mounts;
  }

  private List<VolumeMount> claims() {
    return plan.claims().stream()
        .map(claim -> readOnly(claim.volume(), claim.mountPath()))
        .toList();
  }

  private Volume cache() {
    return switch (plan.cache()) {
      case CachePlan.PodVolume(var sizeLimit) -> emptyDir("cache", sizeLimit, null);
      case CachePlan.Claim(var claimName) -> claim("cache", claimName);
      case CachePlan.SharedClaim shared -> claim("cache", shared.claimName());
      case CachePlan.PodClaim(var storage, var storageClass) ->
          new VolumeBuilder()
              .withName("cache")
              .withNewEphemeral()
              .withNewVolumeClaimTemplate()
              .withSpec(CacheClaimManifest.spec("ReadWriteOnce", storage, storageClass))
              .endVolumeClaimTemplate()
              .endEphemeral()
              .build();
    };
  }

  /** Optional, because a pod whose volume is missing waits without a word to say why. */
  private static Volume secret(String name, String secret, KeyToPath... files) {
    return new VolumeBuilder()
        .withName(name)
        .withNewSecret()
        .withSecretName(secret)
        .withOptional(true)
        .withDefaultMode(READABLE_BY_GROUP)
        .withItems(files)
        .endSecret()
        .build();
  }

  private static KeyToPath item(String key, String file) {
    return new KeyToPathBuilder().withKey(key).withPath(file).build();
  }

  private static Volume emptyDir(
      String name, @Nullable Quantity sizeLimit, @Nullable String medium) {
    return new VolumeBuilder()
        .withName(name)
        .withNewEmptyDir()
        .withSizeLimit(sizeLimit)
        .withMedium(medium)
        .endEmptyDir()
        .build();
  }

  private static Volume claim(String name, String claimName) {
    return new VolumeBuilder()
        .withName(name)
        .withNewPersistentVolumeClaim()
        .withClaimName(claimName)
        .endPersistentVolumeClaim()
        .build();
  }

  private static VolumeMount mount(String volume, String path) {
    return new VolumeMountBuilder().withName(volume).withMountPath(path).build();
  }

  private static VolumeMount readOnly(String volume, String path) {
    return new VolumeMountBuilder(mount(volume, path)).withReadOnly(true).build();
  }
}
