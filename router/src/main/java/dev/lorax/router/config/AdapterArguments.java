package dev.lorax.router.config;

import dev.lorax.options.Kind;
import dev.lorax.options.Option;
import dev.lorax.options.Problems;
import dev.lorax.router.adapter.AdapterSource;
import dev.lorax.router.adapter.ResidencyLimits;
import java.time.Duration;
import java.util.List;

/** Options about adapters, as typed. */
final class AdapterArguments {
  private static final Kind<AdapterSource> SOURCE =
      Kind.oneOf(
          List.of(AdapterSource.HUB, AdapterSource.S3, AdapterSource.LOCAL), AdapterSource::label);

  AdapterSource source = AdapterSource.HUB;
  int maxActiveAdapters = 128;
  int cycleTimeSeconds = 2;

  List<Option<?>> options() {
    return List.of(
        Option.of("--adapter-source", SOURCE, value -> source = value)
            .initially(source)
            .says("SOURCE", "Of adapters whose request names none: hub, s3 or local."),
        Option.of("--max-active-adapters", Kind.WHOLE_NUMBER, value -> maxActiveAdapters = value)
            .initially(maxActiveAdapters)
            .says("N", "Most adapters on the shards at a time."),
        Option.of("--adapter-cycle-time-s", Kind.WHOLE_NUMBER, value -> cycleTimeSeconds = value)
            .initially(cycleTimeSeconds)
            .says("SECONDS", "How long a busy adapter stays while others wait for its place."));
  }

  ResidencyLimits toLimits() {
    return new ResidencyLimits(maxActiveAdapters, Duration.ofSeconds(cycleTimeSeconds));
  }

  void check(Problems problems) {
    problems.atLeast(1, "--max-active-adapters", maxActiveAdapters);
    problems.atLeast(0, "--adapter-cycle-time-s", cycleTimeSeconds);
  }
}
