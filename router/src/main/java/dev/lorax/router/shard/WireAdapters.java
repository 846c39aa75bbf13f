package dev.lorax.router.shard;

import dev.lorax.protocol.generate.v1.AdapterParameters;
import dev.lorax.protocol.generate.v1.AdapterSource;
import dev.lorax.protocol.generate.v1.DownloadAdapterRequest;
import dev.lorax.protocol.generate.v1.LoadAdapterRequest;
import dev.lorax.protocol.generate.v1.MajoritySignMethod;
import dev.lorax.protocol.generate.v1.MergeStrategy;
import dev.lorax.protocol.generate.v1.OffloadAdapterRequest;
import dev.lorax.router.adapter.Adapter;
import dev.lorax.router.adapter.AdapterFacts;
import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.adapter.AdapterMerge;
import dev.lorax.router.adapter.PreloadedAdapter;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Adapters in the shards' words and back. */
final class WireAdapters {
  private WireAdapters() {}

  static DownloadAdapterRequest download(Adapter adapter) {
    var message =
        DownloadAdapterRequest.newBuilder()
            .setAdapterParameters(parameters(adapter.key()))
            .setAdapterSource(source(adapter.key()));
    if (adapter.key().token() != null) {
      message.setApiToken(adapter.key().token().value());
    }
    return message.build();
  }

  static LoadAdapterRequest load(Adapter adapter) {
    var message =
        LoadAdapterRequest.newBuilder()
            .setAdapterParameters(parameters(adapter.key()))
            .setAdapterSource(source(adapter.key()))
            .setAdapterIndex(adapter.index());
    if (adapter.key().token() != null) {
      message.setApiToken(adapter.key().token().value());
    }
    return message.build();
  }

  static OffloadAdapterRequest offload(Adapter adapter) {
    return OffloadAdapterRequest.newBuilder()
        .setAdapterParameters(parameters(adapter.key()))
        .setAdapterSource(source(adapter.key()))
        .setAdapterIndex(adapter.index())
        .build();
  }

  static PreloadedAdapter preloaded(
      dev.lorax.protocol.generate.v1.PreloadedAdapter message, @Nullable AdapterFacts facts) {
    AdapterParameters parameters = message.getAdapterParameters();
    var source = dev.lorax.router.adapter.AdapterSource.valueOf(message.getAdapterSource().name());
    List<String> ids = parameters.getAdapterIdsList();
    return new PreloadedAdapter(
        new AdapterKey(ids, merge(parameters), source, null), message.getAdapterIndex(), facts);
  }

  private static @Nullable AdapterMerge merge(AdapterParameters parameters) {
    if (parameters.getAdapterIdsCount() == 1) {
      return null;
    }
    return new AdapterMerge(
        parameters.getWeightsList(),
        AdapterMerge.Strategy.valueOf(parameters.getMergeStrategy().name()),
        parameters.getDensity(),
        AdapterMerge.MajoritySign.valueOf(parameters.getMajoritySignMethod().name()));
  }

  private static AdapterParameters parameters(AdapterKey key) {
    var message = AdapterParameters.newBuilder().addAllAdapterIds(key.ids());
    if (key.merge() != null) {
      message
          .addAllWeights(key.merge().weights())
          .setMergeStrategy(MergeStrategy.valueOf(key.merge().strategy().name()))
          .setDensity(key.merge().density())
          .setMajoritySignMethod(MajoritySignMethod.valueOf(key.merge().majoritySign().name()));
    }
    return message.build();
  }

  private static AdapterSource source(AdapterKey key) {
    return AdapterSource.valueOf(Objects.requireNonNull(key.source(), "base model").name());
  }
}
