package dev.lorax.launcher.status;

import java.time.Instant;

/** Where a member is in its life. Transitions are methods of the state that they leave. */
public sealed interface MemberState {

  /** Word for people and probes. */
  String word();

  /** Not started yet, or stopped in order. */
  record Waiting() implements MemberState {
    @Override
    public String word() {
      return "waiting";
    }

    Loading start(long epoch, Instant now) {
      return new Loading(epoch, now);
    }
  }

  /** Its process runs but cannot do its work: not yet, or not now. */
  record Loading(long epoch, Instant since) implements MemberState {
    @Override
    public String word() {
      return "loading";
    }

    Ready ready(Instant now) {
      return new Ready(epoch, now);
    }

    Ended end(String reason, Instant now) {
      return new Ended(epoch, reason, now);
    }
  }

  /** It answered its health check. */
  record Ready(long epoch, Instant since) implements MemberState {
    @Override
    public String word() {
      return "ready";
    }

    Loading unready(Instant now) {
      return new Loading(epoch, now);
    }

    Ended end(String reason, Instant now) {
      return new Ended(epoch, reason, now);
    }
  }

  /** Its process ended. */
  record Ended(long epoch, String reason, Instant since) implements MemberState {
    @Override
    public String word() {
      return "ended";
    }

    Loading start(long nextEpoch, Instant now) {
      return new Loading(nextEpoch, now);
    }
  }
}
