package dev.lorax.router.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class StopTextTest {
  @Test
  void holds_back_what_could_become_a_stop_sequence() {
    var text = new StopText(List.of("END"));

    assertThat(text.add("some E")).isEqualTo("some ");
    assertThat(text.add("N")).isEmpty();
    assertThat(text.add("ough")).isEqualTo("ENough");
  }

  @Test
  void drops_the_stop_sequence_at_the_end() {
    var text = new StopText(List.of("END"));

    assertThat(text.add("some EN")).isEqualTo("some ");
    assertThat(text.add("D")).isEmpty();
    assertThat(text.finish(true)).isEmpty();
  }

  @Test
  void shows_what_was_held_back_for_nothing() {
    var text = new StopText(List.of("END"));
    text.add("some EN");

    assertThat(text.finish(false)).isEqualTo("EN");
  }

  @Property
  void shows_everything_when_nothing_stops(
      @ForAll @Size(max = 20) List<@CharRange(from = 'a', to = 'c') Character> letters) {
    var text = new StopText(List.of("abc", "ca"));
    var shown = new StringBuilder();
    for (char letter : letters) {
      shown.append(text.add(String.valueOf(letter)));
    }
    shown.append(text.finish(false));

    var all = new StringBuilder();
    letters.forEach(all::append);
    assertThat(shown).hasToString(all.toString());
  }
}
