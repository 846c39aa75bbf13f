package dev.lorax.router.http;

import java.util.List;

/**
 * Keeps stop sequences out of what OpenAI clients see; the shards leave them at the end of the
 * text. Text that could be the beginning of one is held back until it is clear. Confined to one
 * answer.
 */
final class StopText {
  private final List<String> stops;
  private final StringBuilder held = new StringBuilder();

  StopText(List<String> stops) {
    this.stops = stops.stream().filter(stop -> !stop.isEmpty()).toList();
  }

  /** The text without the stop sequence at its end. */
  static String strip(String text, List<String> stops) {
    for (String stop : stops) {
      if (!stop.isEmpty() && text.endsWith(stop)) {
        return text.substring(0, text.length() - stop.length());
      }
    }
    return text;
  }

  /** Takes more text and returns what may be shown now. */
  String add(String text) {
    held.append(text);
    int keep = longestHeldBack();
    String shown = held.substring(0, held.length() - keep);
    held.delete(0, held.length() - keep);
    return shown;
  }

  /** What is left to show at the end. */
  String finish(boolean stopped) {
    return stopped ? strip(held.toString(), stops) : held.toString();
  }

  /** Length of the longest end of the text with which a stop sequence begins. */
  private int longestHeldBack() {
    int longest = 0;
    for (String stop : stops) {
      for (int length = Math.min(stop.length(), held.length()); length > longest; length--) {
        if (stop.startsWith(held.substring(held.length() - length))) {
          longest = length;
        }
      }
    }
    return longest;
  }
}
