package dev.lorax.router.access;

import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.batching.Share;
import dev.lorax.router.batching.Ticker;
import dev.lorax.router.generation.Rejection;
import org.jspecify.annotations.Nullable;

/** Somebody who may ask, and what they have left. Thread-safe. */
public final class Caller {
  private final @Nullable ApiKey key;
  private final Share share;
  private final Budget requests;
  private final Budget tokens;
  private final Ticker ticker;

  private Caller(@Nullable ApiKey key, Share share, Ticker ticker) {
    this.key = key;
    this.share = share;
    this.ticker = ticker;
    long now = ticker.nanos();
    this.requests = new Budget(key == null ? null : key.requestsPerMinute(), now);
    this.tokens = new Budget(key == null ? null : key.tokensPerMinute(), now);
  }

  static Caller of(ApiKey key, Ticker ticker) {
    return new Caller(key, new Share(key.name(), key.weight()), ticker);
  }

  /** Everybody, on a server without keys. */
  static Caller anybody(Ticker ticker) {
    return new Caller(null, Share.EQUAL, ticker);
  }

  @Nullable ApiKey key() {
    return key;
  }

  public Share share() {
    return share;
  }

  /** Takes one request out of the budget, or says why not. */
  public @Nullable Rejection enter() {
    long now = ticker.nanos();
    int seconds = Math.max(requests.secondsUntilFree(now), tokens.secondsUntilFree(now));
    if (seconds > 0) {
      return new Rejection(
          Rejection.Kind.RATE_LIMITED, "rate limit of this API key reached", seconds);
    }
    requests.use(1);
    return null;
  }

  /** Takes tokens that were processed out of the budget. */
  public void used(int processedTokens) {
    tokens.use(processedTokens);
  }

  /** Why the caller may not use the adapter, or null. */
  public @Nullable Rejection refusal(AdapterKey adapter) {
    if (key == null || key.allows(adapter)) {
      return null;
    }
    return new Rejection(
        Rejection.Kind.FORBIDDEN,
        "this API key may not use adapter `%s`".formatted(adapter.label()));
  }

  public boolean mayAdminister() {
    return key == null || key.admin();
  }
}
