package dev.lorax.router.batching;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The requests that are being generated and the batches in which the shards keep them. Confined to
 * the batch loop.
 */
final class RunningBatch {
  private final Map<Long, Entry> entries = new LinkedHashMap<>();
  private List<CachedBatch> cached = List.of();

  /**
   * Entries take their place before the shards are asked, so that none is forgotten if that fails.
   */
  void enter(Collection<Entry> joining) {
    joining.forEach(entry -> entries.put(entry.id(), entry));
  }

  void add(CachedBatch batch) {
    cached = new ArrayList<>(cached);
    cached.add(batch);
  }

  void replace(List<CachedBatch> batches) {
    cached = batches;
  }

  List<CachedBatch> cached() {
    return cached;
  }

  /** Tokens of unfinished prompts that the next step computes, beyond one for each request. */
  int nextPromptTokens() {
    int tokens = 0;
    for (CachedBatch batch : cached) {
      tokens += Math.max(0, batch.currentTokens() - batch.size());
    }
    return tokens;
  }

  int size() {
    return entries.size();
  }

  boolean isEmpty() {
    return entries.isEmpty();
  }

  @Nullable Entry find(long requestId) {
    return entries.get(requestId);
  }

  /** A view of the running entries. */
  Collection<Entry> all() {
    return Collections.unmodifiableCollection(entries.values());
  }

  /** Takes the entry out and gives back what it held. */
  void leave(Entry entry, long nanoTime) {
    if (entries.remove(entry.id()) != null) {
      entry.leaves(nanoTime);
    }
  }

  /** Whether somebody is to be taken out: whose client has gone, or who has taken too long. */
  boolean anyoneLeaves(long nanoTime) {
    for (Entry entry : entries.values()) {
      if (entry.cancelled() || entry.overran(nanoTime)) {
        return true;
      }
    }
    return false;
  }

  void leaveCancelled(long nanoTime) {
    for (Iterator<Entry> i = entries.values().iterator(); i.hasNext(); ) {
      Entry entry = i.next();
      if (entry.cancelled()) {
        i.remove();
        entry.leaves(nanoTime);
      }
    }
  }

  /** Takes out the entries that have taken too long. */
  List<Entry> leaveOverrun(long nanoTime) {
    List<Entry> overrun = List.of();
    for (Entry entry : entries.values()) {
      if (entry.overran(nanoTime)) {
        overrun = overrun.isEmpty() ? new ArrayList<>() : overrun;
        overrun.add(entry);
      }
    }
    overrun.forEach(entry -> leave(entry, nanoTime));
    return overrun;
  }

  /** Takes out all entries. */
  List<Entry> leaveAll(long nanoTime) {
    List<Entry> all = List.copyOf(entries.values());
    all.forEach(entry -> leave(entry, nanoTime));
    cached = List.of();
    return all;
  }

  /** Those of the batch's requests that go on. */
  List<Long> alive(CachedBatch batch) {
    return batch.requestIds().stream().filter(entries::containsKey).toList();
  }
}
