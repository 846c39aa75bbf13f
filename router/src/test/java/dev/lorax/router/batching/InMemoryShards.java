package dev.lorax.router.batching;

import dev.lorax.router.adapter.Adapter;
import dev.lorax.router.adapter.AdapterFacts;
import dev.lorax.router.generation.FinishReason;
import dev.lorax.router.generation.GeneratedText;
import dev.lorax.router.generation.Generation;
import dev.lorax.router.generation.Token;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Shards without a process or a model, which keep the rules of the protocol and remember who breaks
 * them. Prompts of length {@link #POISON} fail their Prefill, those of length {@link #DEADLY} end
 * the shards when their third token is computed; adapters whose id begins with {@code bad} cannot
 * be downloaded. Confined to the batch loop.
 */
final class InMemoryShards implements ShardGroup {
  static final int POISON = 13;
  static final int DEADLY = 17;

  private static final int DEADLY_TOKEN = 3;

  private final ShardProfile profile;
  private final int maxPrefillTokens;
  private final int maxActiveAdapters;
  private final CompletableFuture<String> lost = new CompletableFuture<>();
  private final Map<Long, Map<Long, Sequence>> cache = new LinkedHashMap<>();
  private final Map<Integer, String> loaded = new HashMap<>(Map.of(0, "base"));
  private final List<String> violations = new ArrayList<>();
  private final Map<Long, Integer> lostSteps;
  private boolean refuseNextDecode;
  private boolean endInNextStep;

  /**
   * @param lostSteps in how many steps of each request shards were lost; counted here, too
   */
  InMemoryShards(
      ShardProfile profile,
      int maxPrefillTokens,
      int maxActiveAdapters,
      Map<Long, Integer> lostSteps) {
    this.lostSteps = lostSteps;
    this.profile = profile;
    this.maxPrefillTokens = maxPrefillTokens;
    this.maxActiveAdapters = maxActiveAdapters;
  }

  List<String> violations() {
    return violations;
  }

  boolean empty() {
    return cache.isEmpty();
  }

  void refuseNextDecode() {
    refuseNextDecode = true;
  }

  /** The next step will not be answered, nor anything after it. */
  void endInNextStep() {
    endInNextStep = true;
  }

  @Override
  public ShardProfile profile() {
    return profile;
  }

  @Override
  public CompletionStage<String> lost() {
    return lost;
  }

  @Override
  public Pending<StepResult> prefill(PrefillBatch batch) {
    int tokens =
        batch.entries().stream()
            .mapToInt(e -> e.request().prompt().length() + e.generated().length)
            .sum();
    check(tokens <= maxPrefillTokens || batch.entries().size() == 1, "a Prefill over its budget");
    var sequences = new LinkedHashMap<Long, Sequence>();
    for (Entry entry : batch.entries()) {
      check(loaded.containsKey(entry.adapter().index()), "an adapter that is not loaded");
      sequences.put(entry.id(), new Sequence(entry));
      int[] countedUp = IntStream.rangeClosed(1, entry.generated().length).toArray();
      check(Arrays.equals(entry.generated(), countedUp), "other tokens than were generated");
      check(profile.resumes() || countedUp.length == 0, "a call that the shards do not know");
    }
    if (ends(sequences)) {
      return this::ended;
    }
    boolean poisoned =
        batch.entries().stream().anyMatch(e -> e.request().prompt().length() == POISON);
    if (!poisoned) {
      cache.put(batch.id(), sequences);
      checkBlocks();
    }
    return () -> {
      if (poisoned) {
        throw new ShardException.Refused("poison", null);
      }
      return step(batch.id(), sequences);
    };
  }

  @Override
  public Pending<StepResult> decode(List<CachedBatch> batches) {
    var sequences = new LinkedHashMap<Long, Sequence>();
    for (CachedBatch batch : batches) {
      Map<Long, Sequence> cached = cache.remove(batch.id());
      check(cached != null, "a batch that is not in the cache");
      sequences.putAll(cached == null ? Map.of() : cached);
    }
    check(sequences.values().stream().noneMatch(Sequence::ended), "a request that had ended");
    if (ends(sequences)) {
      return this::ended;
    }
    boolean refused = refuseNextDecode;
    refuseNextDecode = false;
    long id = batches.getFirst().id();
    if (!refused) {
      cache.put(id, sequences);
    }
    return () -> {
      if (refused) {
        throw new ShardException.Refused("out of memory", null);
      }
      return step(id, sequences);
    };
  }

  @Override
  public Pending<CachedBatch> filter(CachedBatch batch, List<Long> requestIds) {
    Map<Long, Sequence> sequences = cache.get(batch.id());
    check(sequences != null && !requestIds.isEmpty(), "a filter that keeps nothing");
    if (sequences != null) {
      sequences.keySet().retainAll(requestIds);
    }
    return () -> cached(batch.id(), requestIds);
  }

  @Override
  public Pending<@Nullable Void> clear(long batchId) {
    cache.remove(batchId);
    return () -> null;
  }

  @Override
  public Pending<@Nullable Void> clearAll() {
    cache.clear();
    return () -> null;
  }

  @Override
  public float download(Adapter adapter) throws ShardException {
    if (adapter.key().label().startsWith("bad")) {
      throw new ShardException.Refused("not found", null);
    }
    return 0.2f;
  }

  @Override
  public void load(Adapter adapter) {
    loaded.put(adapter.index(), adapter.key().label());
    check(loaded.size() - 1 <= maxActiveAdapters, "more adapters than there are places");
  }

  @Override
  public @Nullable AdapterFacts describe(Adapter adapter) {
    return null;
  }

  @Override
  public void offload(Adapter adapter) {
    boolean used =
        cache.values().stream()
            .flatMap(sequences -> sequences.values().stream())
            .anyMatch(s -> s.entry.adapter() == adapter && !s.ended());
    check(!used, "an offload of an adapter in use");
    loaded.remove(adapter.index());
  }

  @Override
  public void close() {
    cache.clear();
  }

  private boolean ends(Map<Long, Sequence> sequences) {
    if (!endInNextStep && sequences.values().stream().noneMatch(Sequence::deadly)) {
      return false;
    }
    sequences.keySet().forEach(id -> lostSteps.merge(id, 1, Integer::sum));
    return true;
  }

  private StepResult ended() throws ShardException {
    throw new ShardException.Lost("shard 0 is gone", null);
  }

  private StepResult step(long batchId, Map<Long, Sequence> sequences) {
    var generations = new ArrayList<Generation>();
    for (Sequence sequence : sequences.values()) {
      generations.add(sequence.next());
    }
    if (sequences.values().stream().allMatch(Sequence::ended)) {
      cache.remove(batchId);
      return new StepResult(generations, null);
    }
    return new StepResult(generations, cached(batchId, List.copyOf(sequences.keySet())));
  }

  private static CachedBatch cached(long id, List<Long> requestIds) {
    return new CachedBatch(id, requestIds, requestIds.size(), 0, 0);
  }

  private void checkBlocks() {
    Set<Integer> owned = new HashSet<>();
    for (Map<Long, Sequence> sequences : cache.values()) {
      for (Sequence sequence : sequences.values()) {
        for (int block : sequence.blocks) {
          check(block != 0, "the reserved block");
          check(owned.add(block), "a block of another request");
        }
      }
    }
  }

  private void check(boolean holds, String what) {
    if (!holds) {
      violations.add("the batch loop used " + what);
    }
  }

  private static final class Sequence {
    private final Entry entry;
    private final int[] blocks;
    private int generated;

    Sequence(Entry entry) {
      this.entry = entry;
      this.blocks = entry.blocks().blocks();
      this.generated = entry.generated().length;
    }

    boolean deadly() {
      return entry.request().prompt().length() == DEADLY && generated + 1 == DEADLY_TOKEN;
    }

    boolean ended() {
      return generated >= entry.request().stop().maxNewTokens();
    }

    Generation next() {
      generated++;
      var token = new Token(generated, "t", -1, false, false, List.of());
      GeneratedText end =
          ended() ? new GeneratedText("", generated, 0, FinishReason.LENGTH, null) : null;
      int prompt = generated == 1 ? entry.request().prompt().length() : 0;
      return new Generation(entry.id(), prompt, List.of(), List.of(token), end);
    }
  }
}
