package dev.lorax.e2e.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

final class SideBySideTest {

  @Test
  void sets_columns_side_by_side_and_pads_the_shorter_ones() {
    var columns = List.of(new Column("sql", "SELECT name"), new Column("pirate", "Arr"));

    assertThat(SideBySide.layout(columns, 15, 10))
        .containsExactly("sql    │ pirate", "───────┼───────", "SELECT │ Arr", "name   │");
  }

  @Test
  void breaks_a_word_that_is_longer_than_the_column() {
    assertThat(new Column("", "{\"sentiment\":\"positive\"}").lines(10))
        .containsExactly("{\"sentimen", "t\":\"positi", "ve\"}");
  }

  @Test
  void breaks_lines_at_spaces_and_keeps_those_of_the_text() {
    assertThat(new Column("", "one two three\n\nfour").lines(8))
        .containsExactly("one two", "three", "", "four");
  }

  @Test
  void keeps_both_halves_of_a_surrogate_pair_together() {
    assertThat(new Column("", "abc\uD83C\uDFF4xyz").lines(4))
        .containsExactly("abc", "\uD83C\uDFF4xy", "z");
  }

  @Test
  void shows_the_end_of_a_column_that_is_longer_than_the_screen() {
    var column = List.of(new Column("base", "one\ntwo\nthree"));
    assertThat(SideBySide.layout(column, 10, 2)).endsWith("two", "three").doesNotContain("one");
  }

  @Test
  void never_exceeds_the_width() {
    var columns =
        List.of(
            new Column("a title that is far too long for its column", "word ".repeat(40)),
            new Column("b", "x".repeat(100)),
            new Column("c", ""),
            new Column("d", "one"));
    assertThat(SideBySide.layout(columns, 80, 50)).allMatch(line -> line.length() <= 80);
  }

  @Test
  void four_columns_fit_a_usual_terminal_but_not_a_narrow_one() {
    assertThat(SideBySide.fits(4, 80)).isTrue();
    assertThat(SideBySide.fits(4, 60)).isFalse();
  }
}
