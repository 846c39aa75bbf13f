package dev.lorax.e2e.demo;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Columns of text side by side, or one below the other where the width does not do. */
final class SideBySide {

  private static final String SEPARATOR = " │ ";
  // Narrower columns break most words of the answers.
  private static final int MIN_COLUMN = 16;

  private SideBySide() {}

  /** Whether this many columns fit. */
  static boolean fits(int columns, int width) {
    return columnWidth(columns, width) >= MIN_COLUMN;
  }

  /**
   * The lines of all columns within a width.
   *
   * @param maxRows text lines to show; of longer columns the last ones, as they fill from the top
   */
  static List<String> layout(List<Column> columns, int width, int maxRows) {
    int each = columnWidth(columns.size(), width);
    List<List<String>> bodies =
        columns.stream().map(column -> last(column.lines(each), maxRows)).toList();
    int height = bodies.stream().mapToInt(List::size).max().orElse(0);
    List<String> lines = new ArrayList<>();
    lines.add(row(columns.stream().map(Column::title).toList(), each));
    lines.add(String.join("─┼─", Collections.nCopies(columns.size(), "─".repeat(each))));
    IntStream.range(0, height)
        .mapToObj(index ->
            row(
                bodies.stream().map(body -> index < body.size() ? body.get(index) : "").toList(),
                each))
        .forEach(lines::add);
    return lines;
  }

  /** The same as blocks below each other. */
  static List<String> blocks(List<Column> columns, int width) {
    List<String> lines = new ArrayList<>();
    for (Column column : columns) {
      lines.add("── " + column.title() + " ");
      lines.addAll(column.lines(width));
      lines.add("");
    }
    return lines;
  }

  private static int columnWidth(int columns, int width) {
    return (width - SEPARATOR.length() * (columns - 1)) / columns;
  }

  private static List<String> last(List<String> lines, int count) {
    return lines.subList(Math.max(0, lines.size() - count), lines.size());
  }

  private static String row(List<String> cells, int width) {
    return cells.stream()
        .map(cell -> pad(cell, width))
        .collect(Collectors.joining(SEPARATOR))
        .stripTrailing();
  }

  private static String pad(String cell, int width) {
    String cut = cell.length() > width ? cell.substring(0, width) : cell;
    return cut + " ".repeat(width - cut.length());
  }
}
