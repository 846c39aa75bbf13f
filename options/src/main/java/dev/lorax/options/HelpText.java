package dev.lorax.options;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * The text of {@code --help}: options in groups, each with its variable and its default.
 *
 * @param head stands before them
 * @param marked which ones get a plus
 * @param foot stands after them
 */
public record HelpText(String head, Predicate<Option<?>> marked, String foot) {

  private static final int WIDTH = 88;
  private static final int VARIABLE_COLUMN = 40;
  private static final String INDENT = " ".repeat(8);

  public String of(List<OptionGroup> groups) {
    var text = new StringBuilder(head);
    for (var group : groups) {
      text.append('\n').append(group.heading()).append('\n');
      for (var option : group.options()) {
        append(text, option);
      }
    }
    return text.append(foot).toString();
  }

  private void append(StringBuilder text, Option<?> option) {
    var line = new StringBuilder(marked.test(option) ? "+ " : "  ");
    line.append(String.join(", ", option.names()));
    if (option.kind().needsValue()) {
      line.append(' ').append(option.note().label());
    }
    String variable = variable(option);
    if (!variable.isEmpty()) {
      line.append(" ".repeat(Math.max(2, VARIABLE_COLUMN - line.length()))).append(variable);
    }
    text.append(line).append('\n');
    wrapped(option.note().description())
        .forEach(part -> text.append(INDENT).append(part).append('\n'));
  }

  private static String variable(Option<?> option) {
    String variable = option.variable();
    String usual = option.usual();
    if (variable == null) {
      return "";
    }
    return usual == null ? variable : variable + " [" + usual + "]";
  }

  private static List<String> wrapped(String description) {
    List<String> lines = new ArrayList<>();
    var line = new StringBuilder();
    for (var word : description.split(" ")) {
      if (line.length() + word.length() + INDENT.length() >= WIDTH) {
        lines.add(line.toString());
        line.setLength(0);
      }
      line.append(line.isEmpty() ? "" : " ").append(word);
    }
    lines.add(line.toString());
    return lines;
  }
}
