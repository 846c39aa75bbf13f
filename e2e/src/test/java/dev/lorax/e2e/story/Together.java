package dev.lorax.e2e.story;

import dev.lorax.e2e.chat.ChatClient;
import dev.lorax.e2e.chat.Question;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Questions asked of one server, all at once or one after the other. */
final class Together {

  private Together() {}

  /** Answers to questions that are under way at the same time, so that they share batches. */
  static Map<Question, String> mixed(ChatClient client, List<Question> questions)
      throws InterruptedException, ExecutionException {
    try (ExecutorService asking = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<String>> running =
          questions.stream().map(question -> asking.submit(() -> client.ask(question))).toList();
      Map<Question, String> answers = new LinkedHashMap<>();
      for (int index = 0; index < questions.size(); index++) {
        answers.put(questions.get(index), running.get(index).get());
      }
      return answers;
    }
  }

  /** Answers to questions of which each has the server for itself. */
  static Map<Question, String> alone(ChatClient client, List<Question> questions) {
    Map<Question, String> answers = new LinkedHashMap<>();
    questions.forEach(question -> answers.put(question, client.ask(question)));
    return answers;
  }
}
