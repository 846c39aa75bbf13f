package dev.lorax.router.batching;

import dev.lorax.router.adapter.Adapter;
import dev.lorax.router.adapter.AdapterFacts;
import dev.lorax.router.generation.Generation;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
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

  static final int DEADLY_TOKEN = 3;

  private final ShardProfile profile;
  private final int maxPrefillTokens;
  private final int maxActiveAdapters;
  private final CompletableFuture<String> lost = new CompletableFuture<>();
  private final Map<Long, Map<Long, InMemorySequence>> cache = new LinkedHashMap<>();
  private final Map<Integer, String> loaded = new HashMap<>(Map.of(0, "base"));
  private final List<String> violations = new ArrayList<>();
  private final Map<Long, Integer> lostSteps;
  private final Map<Integer, String> contents = new HashMap<>();
  private final Map<Integer, Integer> loads = new HashMap<>();
  private final Set<Long> joined = new HashSet<>();
  private final Queue<Runnable> meanwhile = new ArrayDeque<>();
  private boolean refuseNextDecode;
  private boolean blameOldest;
  private boolean endInNextStep;
  private final InMemoryRun run = new InMemoryRun();
  private int unasked;
  private int chunks;
  private volatile boolean closed;

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

  /** Steps that left a prompt unfinished. */
  int chunks() {
    return chunks;
  }

  /** Steps made without being asked. */
  int unasked() {
    return unasked;
  }

  /** From now on it makes no step without being asked. */
  void neverRun() {
    run.never();
  }

  /** The next step names its oldest request as the culprit, and changes nothing. */
  void blameOldest() {
    blameOldest = true;
  }

  void refuseNextDecode() {
    refuseNextDecode = true;
  }

  /** The next step will not be answered, nor anything after it. */
  void endInNextStep() {
    endInNextStep = true;
  }

  /** Happens while the next step is under way. */
  void duringNextStep(Runnable event) {
    meanwhile.add(event);
  }

  void nothingDuringNextStep() {
    meanwhile.clear();
  }

  /** Ends while nothing runs. */
  void end() {
    lost.complete("shard 0 is gone");
  }

  boolean closed() {
    return closed;
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
  public Pending<StepResult> prefill(PrefillBatch batch, @Nullable CachedBatch beside, Run asked) {
    begins(asked);
    return new InMemoryStep(begin(batch, beside), meanwhile);
  }

  private Pending<StepResult> begin(PrefillBatch batch, @Nullable CachedBatch beside) {
    check(beside == null || !batch.goesOn(), "a cached batch beside requests that go on");
    var sequences = new LinkedHashMap<Long, InMemorySequence>();
    long id = batch.id();
    if (beside != null) {
      check(profile.chunkedPrefill(), "a cached batch beside a Prefill");
      Map<Long, InMemorySequence> cached = cache.get(beside.id());
      check(cached != null, "a batch that is not in the cache");
      sequences.putAll(cached == null ? Map.of() : cached);
      id = beside.id();
    }
    check(profile.holdsPrompts() || !batch.holdsPrompts(), "a call that the shards do not know");
    sequences.values().forEach(sequence -> sequence.held = batch.holdsPrompts());
    for (Entry entry : batch.entries()) {
      check(loaded.containsKey(entry.adapter().index()), "an adapter that is not loaded");
      var sequence = new InMemorySequence(entry, loadedAs(entry), profile, contents, this::check);
      sequence.checkCached();
      sequences.put(entry.id(), sequence);
      int[] countedUp = IntStream.rangeClosed(1, entry.generated().length).toArray();
      check(Arrays.equals(entry.generated(), countedUp), "other tokens than were generated");
      check(profile.resumes() || countedUp.length == 0, "a call that the shards do not know");
    }
    if (ends(sequences)) {
      return this::ended;
    }
    long unfinished = sequences.values().stream().filter(InMemorySequence::prefills).count();
    int tokens =
        sequences.values().stream()
            .filter(sequence -> sequence.prefills() && !sequence.held)
            .mapToInt(s -> s.planned)
            .sum();
    boolean whole = batch.goesOn() || !profile.chunkedPrefill();
    check(
        tokens <= maxPrefillTokens
            || (whole && batch.entries().size() == 1)
            // Every prompt makes a step, however many there are.
            || (!whole && tokens <= maxPrefillTokens + unfinished),
        "a Prefill over its budget");
    boolean poisoned =
        batch.entries().stream().anyMatch(e -> e.request().prompt().length() == POISON);
    if (poisoned) {
      return refuse("poison", List.of());
    }
    return step(id, sequences);
  }

  @Override
  public Pending<StepResult> decode(List<CachedBatch> batches, Run asked) {
    begins(asked);
    return new InMemoryStep(goOn(batches), meanwhile);
  }

  @Override
  public void endRun() {
    run.end();
  }

  private Pending<StepResult> goOn(List<CachedBatch> batches) {
    var sequences = new LinkedHashMap<Long, InMemorySequence>();
    for (CachedBatch batch : batches) {
      Map<Long, InMemorySequence> cached = cache.get(batch.id());
      check(cached != null, "a batch that is not in the cache");
      sequences.putAll(cached == null ? Map.of() : cached);
    }
    check(
        sequences.values().stream().noneMatch(InMemorySequence::ended), "a request that had ended");
    if (ends(sequences)) {
      return this::ended;
    }
    boolean refused = refuseNextDecode;
    refuseNextDecode = false;
    if (refused) {
      batches.forEach(batch -> cache.remove(batch.id()));
      return refuse("out of memory", List.of());
    }
    batches.subList(1, batches.size()).forEach(batch -> joined.add(batch.id()));
    return step(batches.getFirst().id(), sequences);
  }

  @Override
  public Pending<CachedBatch> filter(CachedBatch batch, List<Long> requestIds) {
    checkNoRun();
    Map<Long, InMemorySequence> sequences = cache.get(batch.id());
    check(sequences != null && !requestIds.isEmpty(), "a filter that keeps nothing");
    if (sequences != null) {
      sequences.keySet().retainAll(requestIds);
    }
    return () -> cached(batch.id(), sequences == null ? Map.of() : sequences);
  }

  @Override
  public Pending<@Nullable Void> clear(long batchId) {
    checkNoRun();
    cache.remove(batchId);
    return () -> null;
  }

  @Override
  public Pending<@Nullable Void> clearAll() {
    checkNoRun();
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
    loads.merge(adapter.index(), 1, Integer::sum);
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
    closed = true;
    cache.clear();
  }

  private boolean ends(Map<Long, InMemorySequence> sequences) {
    if (!endInNextStep && sequences.values().stream().noneMatch(InMemorySequence::deadly)) {
      return false;
    }
    sequences.keySet().forEach(id -> lostSteps.merge(id, 1, Integer::sum));
    return true;
  }

  private StepResult ended() throws ShardException {
    throw new ShardException.Lost("shard 0 is gone", null);
  }

  /** As upstream: the answer comes later, what is computed is computed now. */
  private Pending<StepResult> step(long batchId, Map<Long, InMemorySequence> sequences) {
    if (blameOldest && !sequences.isEmpty()) {
      blameOldest = false;
      joined.clear();
      return refuse("numbers overflow", List.of(sequences.keySet().iterator().next()));
    }
    joined.forEach(cache::remove);
    joined.clear();
    cache.put(batchId, sequences);
    checkBlocks();
    List<InMemorySequence> stepping =
        sequences.values().stream().filter(s -> !(s.held && s.prefills())).toList();
    stepping.forEach(InMemorySequence::compute);
    sequences.values().forEach(sequence -> sequence.held = false);
    var generations = new ArrayList<Generation>();
    for (InMemorySequence sequence : stepping) {
      Generation generation = sequence.next();
      if (generation != null) {
        generations.add(generation);
      } else {
        chunks++;
      }
    }
    int left = maxPrefillTokens;
    for (InMemorySequence sequence : sequences.values()) {
      left -= sequence.plan(left);
    }
    if (sequences.values().stream().allMatch(InMemorySequence::ended)) {
      cache.remove(batchId);
      return () -> {
        run.over();
        return new StepResult(generations, null);
      };
    }
    boolean ends = sequences.values().stream().anyMatch(InMemorySequence::ended);
    if (profile.chunkedPrefill()) {
      // As upstream's shards do not, it lets go of what has ended.
      sequences.values().removeIf(InMemorySequence::ended);
    }
    CachedBatch goesOn = cached(batchId, sequences);
    return () -> {
      boolean another = profile.chunkedPrefill() && run.goesOn(ends);
      return new StepResult(generations, goesOn, another ? unasked(goesOn) : null);
    };
  }

  /** What it does at once, before the router knows what the step before has yielded. */
  private Pending<StepResult> unasked(CachedBatch batch) {
    unasked++;
    return new InMemoryStep(goOn(List.of(batch)), meanwhile);
  }

  private Pending<StepResult> refuse(String reason, List<Long> culprits) {
    return () -> {
      run.over();
      throw new ShardException.Refused(reason, null, false, culprits);
    };
  }

  private static CachedBatch cached(long id, Map<Long, InMemorySequence> sequences) {
    int tokens = sequences.values().stream().mapToInt(s -> s.planned).sum();
    return new CachedBatch(id, List.copyOf(sequences.keySet()), sequences.size(), 0, tokens);
  }

  private String loadedAs(Entry entry) {
    int index = entry.adapter().index();
    return index + " " + loads.getOrDefault(index, 0);
  }

  /** No block that one request still writes to is anybody else's. */
  private void checkBlocks() {
    Map<Integer, Integer> users = new HashMap<>();
    for (Map<Long, InMemorySequence> sequences : cache.values()) {
      for (InMemorySequence sequence : sequences.values()) {
        for (int block : sequence.blocks) {
          check(block != 0, "the reserved block");
          users.merge(block, 1, Integer::sum);
        }
      }
    }
    for (Map<Long, InMemorySequence> sequences : cache.values()) {
      for (InMemorySequence sequence : sequences.values()) {
        int written = Math.min(sequence.cached, sequence.prompt.length);
        for (int i = written / profile.blockSize(); i < sequence.blocks.length; i++) {
          int block = sequence.blocks[i];
          check(users.getOrDefault(block, 0) == 1, "a block of another request");
        }
      }
    }
  }

  private void begins(Run asked) {
    checkNoRun();
    run.begins(asked);
  }

  private void checkNoRun() {
    check(!run.isOn(), "a call in a run");
  }

  private void check(boolean holds, String what) {
    if (!holds) {
      violations.add("the batch loop used " + what);
    }
  }
}
