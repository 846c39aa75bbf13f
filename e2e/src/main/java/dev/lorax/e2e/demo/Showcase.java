package dev.lorax.e2e.demo;

import dev.lorax.e2e.chat.Answer;
import dev.lorax.e2e.chat.ChatClient;
import dev.lorax.e2e.chat.Question;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * The same prompt, asked of the base model and of each adapter at once, and the answers as they
 * stream.
 */
final class Showcase {

  private static final Duration FRAME = Duration.ofMillis(100);
  // Title, rule and the line that the cursor rests on.
  private static final int FRAME_ROWS = 4;

  private final Terminal terminal;
  private final ChatClient client;
  private final List<Question> questions;
  private final List<StringBuffer> texts;

  Showcase(Terminal terminal, ChatClient client, List<Question> questions) {
    this.terminal = terminal;
    this.client = client;
    this.questions = questions;
    this.texts = questions.stream().map(_ -> new StringBuffer()).toList();
  }

  /** Asks, shows the answers while they come, and then whole with their times. */
  void run() throws InterruptedException {
    terminal.line("");
    terminal.line("prompt: " + questions.getFirst().prompt());
    terminal.line("");
    List<Future<Answer>> answers = new ArrayList<>();
    try (ExecutorService asking = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int index = 0; index < questions.size(); index++) {
        Question question = questions.get(index);
        StringBuffer text = texts.get(index);
        answers.add(asking.submit(() -> client.stream(question, text::append)));
      }
      show(answers);
    }
    terminal.line("");
    for (int index = 0; index < questions.size(); index++) {
      terminal.line(times(questions.get(index), result(answers.get(index))));
    }
  }

  private void show(List<Future<Answer>> answers) throws InterruptedException {
    boolean fits = SideBySide.fits(questions.size(), terminal.columns());
    int height = 0;
    while (!answers.stream().allMatch(Future::isDone)) {
      if (terminal.live() && fits) {
        height = draw(height, terminal.rows() - FRAME_ROWS);
      }
      Thread.sleep(FRAME);
    }
    if (terminal.live() && fits) {
      draw(height, Integer.MAX_VALUE);
    } else if (fits) {
      SideBySide.layout(columns(), terminal.columns(), Integer.MAX_VALUE).forEach(terminal::line);
    } else {
      SideBySide.blocks(columns(), terminal.columns()).forEach(terminal::line);
    }
  }

  private int draw(int previousHeight, int maxRows) {
    List<String> lines = SideBySide.layout(columns(), terminal.columns(), maxRows);
    terminal.redraw(lines, previousHeight);
    return lines.size();
  }

  private List<Column> columns() {
    List<Column> columns = new ArrayList<>();
    for (int index = 0; index < questions.size(); index++) {
      columns.add(new Column(title(questions.get(index)), texts.get(index).toString()));
    }
    return columns;
  }

  private static String title(Question question) {
    return question.adapter().equals(Question.BASE) ? "base model" : question.adapter();
  }

  private static String times(Question question, Answer answer) {
    return String.format(
        Locale.ROOT,
        "%-12s first token after %.2f s, %d tokens in %.2f s",
        title(question),
        answer.firstToken().toMillis() / 1000.0,
        answer.tokens(),
        answer.total().toMillis() / 1000.0);
  }

  private static Answer result(Future<Answer> answer) throws InterruptedException {
    try {
      return answer.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException refused) {
        throw refused;
      }
      throw new IllegalStateException(e.getCause());
    }
  }
}
