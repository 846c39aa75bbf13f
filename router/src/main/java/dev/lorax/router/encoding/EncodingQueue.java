package dev.lorax.router.encoding;

import dev.lorax.router.batching.Share;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Entries that wait, in a line for each tenant. Whoever was served the fewest tokens, by the weight
 * of its key, goes next; having had nothing to ask for gives no claim on what others got meanwhile.
 * Confined to the encoding loop.
 */
final class EncodingQueue {
  private final Map<String, Line> lines = new HashMap<>();
  private double floor;

  void add(EncodingEntry entry) {
    line(entry).entries.addLast(entry);
  }

  /** Puts entries back to where they were taken from, in their order. */
  void putBack(List<EncodingEntry> entries) {
    for (EncodingEntry entry : entries.reversed()) {
      Line line = line(entry);
      line.entries.addFirst(entry);
      line.served -= cost(entry);
    }
  }

  /** Takes the entries of one call: one task, and tokens within the budget or a single text. */
  List<EncodingEntry> take(int budget) {
    var taken = new ArrayList<EncodingEntry>();
    long tokens = 0;
    for (Line line = next(); line != null; line = next()) {
      EncodingEntry entry = line.entries.getFirst();
      tokens += entry.text().length();
      boolean fits =
          tokens <= budget && (taken.isEmpty() || entry.task() == taken.getFirst().task());
      if (!taken.isEmpty() && !fits) {
        break;
      }
      line.entries.removeFirst();
      floor = Math.max(floor, line.served);
      line.served += cost(entry);
      taken.add(entry);
    }
    lines.values().removeIf(line -> line.entries.isEmpty() && line.served <= floor);
    return taken;
  }

  /** Takes out those that match. */
  List<EncodingEntry> remove(Predicate<EncodingEntry> leaves) {
    var removed = new ArrayList<EncodingEntry>();
    for (Line line : lines.values()) {
      line.entries.removeIf(entry -> leaves.test(entry) && removed.add(entry));
    }
    return removed;
  }

  boolean isEmpty() {
    return lines.values().stream().allMatch(line -> line.entries.isEmpty());
  }

  private @Nullable Line next() {
    return lines.values().stream()
        .filter(line -> !line.entries.isEmpty())
        .min(Comparator.comparingDouble(line -> line.served))
        .orElse(null);
  }

  private Line line(EncodingEntry entry) {
    Share share = entry.share();
    Line line = lines.computeIfAbsent(share.tenant(), _ -> new Line());
    if (line.entries.isEmpty()) {
      line.served = Math.max(line.served, floor);
    }
    return line;
  }

  private static double cost(EncodingEntry entry) {
    return entry.text().length() / (double) entry.share().weight();
  }

  private static final class Line {
    private final ArrayDeque<EncodingEntry> entries = new ArrayDeque<>();
    private double served;
  }
}
