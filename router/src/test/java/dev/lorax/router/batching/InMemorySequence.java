package dev.lorax.router.batching;

import dev.lorax.router.generation.FinishReason;
import dev.lorax.router.generation.GeneratedText;
import dev.lorax.router.generation.Generation;
import dev.lorax.router.generation.Token;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A request as {@link InMemoryShards} have it. */
final class InMemorySequence {
  /** Takes note of who breaks them. */
  interface Rules {
    void check(boolean holds, String what);
  }

  final Entry entry;
  final int[] blocks;
  final int[] prompt;
  int cached;
  int planned;
  private final String loadedAs;
  private final int blockSize;
  private final Map<Integer, String> contents;
  private final Rules rules;
  private int generated;

  /** Whether it makes no step while its prompt is not finished. */
  boolean held;

  /**
   * @param loadedAs which load of which adapter it uses
   * @param contents what the shards' cache holds, by slot
   */
  InMemorySequence(
      Entry entry,
      String loadedAs,
      ShardProfile profile,
      Map<Integer, String> contents,
      Rules rules) {
    this.entry = entry;
    this.loadedAs = loadedAs;
    this.blockSize = profile.blockSize();
    this.contents = contents;
    this.rules = rules;
    this.blocks = entry.blocks().blocks();
    this.generated = entry.generated().length;
    this.prompt = entry.request().prompt().tokenIds();
    this.cached = entry.blocks().cachedTokens();
    int rest = prompt.length - cached;
    rules.check(rest > 0, "a prompt of which nothing is left to compute");
    rules.check(profile.chunkedPrefill() || entry.chunkTokens() == 0, "a chunk");
    rules.check(entry.chunkTokens() < rest, "a chunk that is all");
    rules.check(
        generated == 0 || (cached == 0 && entry.chunkTokens() == 0), "a part of what goes on");
    this.planned = entry.chunkTokens() > 0 ? entry.chunkTokens() : rest + generated;
  }

  boolean deadly() {
    return prompt.length == InMemoryShards.DEADLY && generated + 1 == InMemoryShards.DEADLY_TOKEN;
  }

  /** What it takes from the cache was computed there from the same tokens and adapter. */
  void checkCached() {
    for (int place = 0; place < cached; place++) {
      rules.check(content(place).equals(contents.get(slot(place))), "keys that were not computed");
    }
  }

  void compute() {
    for (int place = cached; place < cached + planned; place++) {
      contents.put(slot(place), content(place));
    }
  }

  private int slot(int place) {
    return blocks[place / blockSize] * blockSize + place % blockSize;
  }

  /** Keys and values depend on the adapter and on all tokens up to the place. */
  private String content(int place) {
    String tokens =
        place < prompt.length
            ? Arrays.toString(Arrays.copyOf(prompt, place + 1))
            : "request " + entry.id();
    return loadedAs + " " + place + " " + tokens;
  }

  boolean prefills() {
    return cached < prompt.length;
  }

  boolean ended() {
    return generated >= entry.request().stop().maxNewTokens();
  }

  /** Null while the prompt goes on. */
  @Nullable Generation next() {
    boolean prefilled = cached < prompt.length;
    cached += planned;
    planned = 1;
    if (cached < prompt.length) {
      return null;
    }
    generated++;
    var token = new Token(generated, "t", -1, false, false, List.of());
    GeneratedText end =
        ended() ? new GeneratedText("", generated, 0, FinishReason.LENGTH, null) : null;
    return new Generation(
        entry.id(), prefilled ? prompt.length : 0, List.of(), List.of(token), end);
  }

  /** How much of the rest of an unfinished prompt the next step computes. */
  int plan(int left) {
    if (cached >= prompt.length) {
      return 0;
    }
    planned = Math.max(1, Math.min(prompt.length - cached, left));
    return planned;
  }
}
