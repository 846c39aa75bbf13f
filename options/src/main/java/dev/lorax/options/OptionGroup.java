package dev.lorax.options;

import java.util.ArrayList;
import java.util.List;

/** Options that the help shows under one heading. */
public record OptionGroup(String heading, List<Option<?>> options) {

  /** The options of all groups, in their order. */
  public static List<Option<?>> options(List<OptionGroup> groups) {
    List<Option<?>> all = new ArrayList<>();
    for (var group : groups) {
      all.addAll(group.options());
    }
    return all;
  }
}
