package dev.lorax.launcher.faults;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Reads docs/faults.md: what users are told is what the tests check. */
final class FaultTable {

  private static final Path FILE = Path.of("../docs/faults.md");
  private static final List<String> HEAD =
      List.of(
          "what happens", "when", "where", "what the launcher says", "what follows", "what to do");
  private static final Pattern SENTENCE = Pattern.compile("`([^`]+)`|—");

  private FaultTable() {}

  /** Every row of every table with this head, for each of its moments and places. */
  static Stream<FaultCase> cases() throws IOException {
    List<FaultCase> cases = new ArrayList<>();
    List<String> lines = Files.readAllLines(FILE);
    boolean inTable = false;
    for (int index = 0; index < lines.size(); index++) {
      List<String> cells = cells(lines.get(index));
      boolean ruler = cells.stream().allMatch(cell -> cell.matches("-+"));
      if (cells.equals(HEAD)) {
        inTable = true;
      } else if (cells.isEmpty()) {
        inTable = false;
      } else if (inTable && !ruler) {
        cases.addAll(row(index + 1, cells));
      }
    }
    return cases.stream();
  }

  private static List<String> cells(String line) {
    if (!line.startsWith("|")) {
      return List.of();
    }
    return Stream.of(line.substring(1).split("\\|", -1)).map(String::strip).limit(6).toList();
  }

  private static List<FaultCase> row(int line, List<String> cells) {
    try {
      Fault fault = Fault.parse(cells.get(0));
      Sentence says = sentence(cells.get(3));
      Outcome outcome = Outcome.parse(cells.get(4));
      return Moment.parse(cells.get(1)).stream()
          .flatMap(moment ->
              Place.parse(cells.get(2)).stream()
                  .map(place -> new FaultCase(line, fault, moment, place, says, outcome)))
          .toList();
    } catch (RuntimeException e) {
      throw new IllegalArgumentException("docs/faults.md line %d: %s".formatted(line, e), e);
    }
  }

  private static Sentence sentence(String cell) {
    var matcher = SENTENCE.matcher(cell);
    if (!matcher.matches()) {
      throw new IllegalArgumentException("expected a `sentence` or a dash, got " + cell);
    }
    return new Sentence(matcher.group(1) == null ? "" : matcher.group(1));
  }
}
