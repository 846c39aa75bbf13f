package dev.lorax.e2e.demo;

import java.util.ArrayList;
import java.util.List;

/** A title and text that is set in lines of a given width. */
record Column(String title, String text) {

  /** Lines of at most this many characters, broken at spaces where there are any. */
  List<String> lines(int width) {
    List<String> lines = new ArrayList<>();
    for (String paragraph : text.replace("\t", "  ").strip().split("\n", -1)) {
      wrap(paragraph.stripTrailing(), width, lines);
    }
    return lines;
  }

  private static void wrap(String paragraph, int width, List<String> lines) {
    String rest = paragraph;
    while (rest.length() > width) {
      int space = rest.lastIndexOf(' ', width);
      int end = space > 0 ? space : wholeCharacters(rest, width);
      lines.add(rest.substring(0, end).stripTrailing());
      rest = rest.substring(end).stripLeading();
    }
    lines.add(rest);
  }

  /** A break must not part the two halves of a surrogate pair. */
  private static int wholeCharacters(String text, int width) {
    return width > 1 && Character.isLowSurrogate(text.charAt(width)) ? width - 1 : width;
  }
}
