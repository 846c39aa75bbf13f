package dev.lorax.launcher.faults;

import java.util.List;

/** Where the launcher's members run. */
enum Place {
  LAPTOP("laptop"),
  POD("pod");

  private final String word;

  Place(String word) {
    this.word = word;
  }

  /** The places of a row, in words. */
  static List<Place> parse(String words) {
    return switch (words) {
      case "laptop" -> List.of(LAPTOP);
      case "pod" -> List.of(POD);
      case "both" -> List.of(LAPTOP, POD);
      default -> throw new IllegalArgumentException("a place is laptop, pod or both, got " + words);
    };
  }

  @Override
  public String toString() {
    return word;
  }
}
