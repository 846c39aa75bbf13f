package dev.lorax.launcher.testing.hub;

import java.util.Map;

/** A trouble with one answer. */
public sealed interface HubFault {

  /** The connection ends after so many bytes of the body. */
  record Cut(long afterBytes) implements HubFault {}

  /** Nothing more comes after so many bytes of the body, but the connection stays. */
  record Stall(long afterBytes) implements HubFault {}

  /** Another status, with headers. */
  record Status(int code, Map<String, String> headers) implements HubFault {
    public Status(int code) {
      this(code, Map.of());
    }
  }

  /** All bytes come, one of them is wrong. */
  record Corrupt() implements HubFault {}

  /** The whole file comes, whatever range was asked for. */
  record IgnoreRange() implements HubFault {}
}
