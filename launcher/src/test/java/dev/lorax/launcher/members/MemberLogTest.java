package dev.lorax.launcher.members;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.lorax.launcher.process.MemberName;
import dev.lorax.launcher.process.OutputLine;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

final class MemberLogTest {

  private static final String ERROR_LINE =
      "{\"text\":\"\",\"record\":{\"level\":{\"name\":\"ERROR\"},\"message\":\"step 7 took 301 s\"}}";

  private final Logger logger = (Logger) LoggerFactory.getLogger("shard-3");
  private final ListAppender<ILoggingEvent> entries = new ListAppender<>();
  private final MemberLog log = new MemberLog(MemberName.shard(3));

  @BeforeEach
  void listen() {
    entries.start();
    logger.addAppender(entries);
  }

  @AfterEach
  void leave() {
    logger.detachAppender(entries);
  }

  private void stderr(String... lines) {
    for (var line : lines) {
      log.accept(new OutputLine(OutputLine.Stream.STDERR, line));
    }
  }

  private List<String> logged() {
    return entries.list.stream()
        .map(entry -> entry.getLevel() + " " + entry.getFormattedMessage())
        .toList();
  }

  @Test
  void shows_a_traceback_as_one_error() {
    // when
    stderr(
        "warming up",
        "Traceback (most recent call last):",
        "  File \"serve.py\", line 3, in <module>",
        "    load()",
        "ValueError: no such dtype",
        "leaked semaphores");

    // then
    assertThat(logged())
        .containsExactly(
            "INFO warming up",
            "ERROR Traceback (most recent call last):\n"
                + "  File \"serve.py\", line 3, in <module>\n"
                + "    load()\n"
                + "ValueError: no such dtype",
            "INFO leaked semaphores");
    assertThat(log.lastWords()).isEqualTo(new LastWords("ValueError: no such dtype", null));
  }

  @Test
  void shows_a_stack_trace_as_one_error_even_when_it_is_the_last_thing_written() {
    // when
    stderr(
        "Exception in thread \"main\" java.net.BindException: Address already in use",
        "\tat router.Main.main(Main.java:3)",
        "Caused by: java.io.IOException: taken");
    log.end();

    // then
    assertThat(logged()).singleElement().asString().startsWith("ERROR Exception in thread");
    assertThat(log.lastWords())
        .isEqualTo(
            new LastWords(
                "Exception in thread \"main\" java.net.BindException: Address already in use",
                null));
  }

  @Test
  void prefers_what_was_logged_for_people_to_what_came_after_it() {
    // when
    log.accept(new OutputLine(OutputLine.Stream.STDOUT, ERROR_LINE));
    stderr("Traceback (most recent call last):", "  at exit", "KeyError: 'semaphore'");

    // then
    assertThat(log.lastWords()).isEqualTo(new LastWords("step 7 took 301 s", null));
  }

  @Test
  void forgets_an_error_that_many_lines_followed() {
    // given
    log.accept(new OutputLine(OutputLine.Stream.STDOUT, ERROR_LINE));

    // when
    for (int line = 0; line < 100; line++) {
      log.accept(new OutputLine(OutputLine.Stream.STDOUT, "step"));
    }

    // then
    assertThat(log.lastWords()).isEqualTo(LastWords.NONE);
  }
}
