package dev.lorax.options;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

final class HelpTextTest {

  @Test
  void shows_options_in_groups_with_variables_and_defaults() {
    var port =
        Option.of("--port", Kind.WHOLE_NUMBER, value -> {})
            .orShort("-p")
            .initially(3000)
            .says("PORT", "Where to listen. 0: any.");
    var order =
        Option.of("--a-name-that-reaches-beyond-its-column", Kind.TEXT, value -> {})
            .usually("what fits")
            .says("ORDER", "Words ".repeat(20).strip() + ".");
    var help =
        Option.of("--help", Kind.SWITCH, value -> {})
            .orShort("-h")
            .onLineOnly()
            .says("Print this help.");
    var groups =
        List.of(
            new OptionGroup("Server", List.of(port, order)),
            new OptionGroup("Questions", List.of(help)));

    var text = new HelpText("Head\n", option -> option == order, "\nFoot\n").of(groups);

    assertThat(text)
        .isEqualTo(
            """
            Head

            Server
              -p, --port PORT                       PORT [3000]
                    Where to listen. 0: any.
            + --a-name-that-reaches-beyond-its-column ORDER  A_NAME_THAT_REACHES_BEYOND_ITS_COLUMN [what fits]
                    Words Words Words Words Words Words Words Words Words Words Words Words Words
                    Words Words Words Words Words Words Words.

            Questions
              -h, --help
                    Print this help.

            Foot
            """);
  }
}
