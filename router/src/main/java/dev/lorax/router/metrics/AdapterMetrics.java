package dev.lorax.router.metrics;

import dev.lorax.router.adapter.AdapterStatus;
import dev.lorax.router.adapter.AdapterStatus.Phase;
import dev.lorax.router.batching.BatchObserver.Move;
import java.time.InstantSource;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What the page tells of adapters. Thread-safe.
 *
 * <p>The only series with names of adapters is {@code vllm:lora_requests_info}, one at a time and
 * no longer than the places on the shards allow, so a client that makes up names adds nothing.
 */
final class AdapterMetrics {
  /** What the Gateway API Inference Extension looks for; it splits the lists at commas. */
  private static final MetricName INFO = MetricName.of("vllm:lora_requests_info");

  private static final Set<Phase> UNDER_WAY =
      EnumSet.of(Phase.REGISTERED, Phase.DOWNLOADING, Phase.ON_DISK, Phase.LOADING);

  private final Map<Move, Counter> moves = new EnumMap<>(Move.class);
  private final Map<Move, Histogram> durations = new EnumMap<>(Move.class);
  private final Map<Phase, Gauge> phases = new EnumMap<>(Phase.class);
  private final InstantSource clock;
  private final int places;
  private volatile String running = "";
  private volatile String waiting = "";

  /**
   * @param places how many adapters may be on the shards at once
   */
  AdapterMetrics(MetricPage page, double[] seconds, int places, InstantSource clock) {
    this.places = places;
    this.clock = clock;
    for (Move move : Move.values()) {
      moves.put(move, page.counter(labelled("lorax_adapter_move_count", "move", move.name())));
    }
    for (Move move : Move.values()) {
      MetricName name = labelled("lorax_adapter_move_duration", "move", move.name());
      durations.put(move, page.histogram(name, seconds));
    }
    for (Phase phase : Phase.values()) {
      phases.put(phase, page.gauge(labelled("lorax_adapters", "state", phase.name())));
    }
    page.reading(INFO, this::info);
  }

  void moved(Move move, double seconds) {
    RouterMetrics.of(moves, move).increment();
    RouterMetrics.of(durations, move).observe(seconds);
  }

  void adapters(List<AdapterStatus> all) {
    var counts = new EnumMap<Phase, Integer>(Phase.class);
    for (AdapterStatus adapter : all) {
      if (!adapter.key().isBase()) {
        counts.merge(adapter.phase(), 1, Integer::sum);
      }
    }
    phases.forEach((phase, gauge) -> gauge.set(counts.getOrDefault(phase, 0)));
    // Resident, whether a request runs or not: a scheduler that sees only adapters at work takes
    // an idle one that is loaded for one that is not.
    running = names(all, EnumSet.of(Phase.RESIDENT));
    waiting = names(all, UNDER_WAY);
  }

  private String names(List<AdapterStatus> all, Set<Phase> phasesWanted) {
    return all.stream()
        .filter(adapter -> phasesWanted.contains(adapter.phase()))
        .filter(adapter -> !adapter.key().isBase() && adapter.key().merge() == null)
        .map(adapter -> adapter.key().label())
        .filter(label -> !label.contains(","))
        .distinct()
        .limit(places)
        .collect(Collectors.joining(","));
  }

  private String info() {
    MetricName series =
        INFO.with("max_lora", String.valueOf(places))
            .with("running_lora_adapters", running)
            .with("waiting_lora_adapters", waiting);
    return series.series("") + ' ' + clock.instant().getEpochSecond() + '\n';
  }

  private static MetricName labelled(String family, String label, String value) {
    return MetricName.of(family).with(label, value.toLowerCase(Locale.ROOT));
  }
}
