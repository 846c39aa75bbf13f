package dev.lorax.router;

import java.util.ArrayList;
import java.util.List;

/** Gathers everything that is wrong with the options. Confined to the main thread. */
final class OptionProblems {
  private final List<String> problems = new ArrayList<>();

  void add(String problem) {
    problems.add(problem);
  }

  List<String> all() {
    return List.copyOf(problems);
  }
}
