package dev.lorax.e2e.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class ChatClientTest {

  private static final Question QUESTION = new Question("sql", "Show \"all\".", 8);

  private final AtomicReference<String> received = new AtomicReference<>("");
  private final HttpServer server;
  private int status = 200;
  private String reply = "";

  ChatClientTest() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 1);
  }

  @BeforeEach
  void start() {
    server.createContext(
        "/v1/chat/completions",
        exchange -> {
          try (exchange) {
            received.set(
                new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
            byte[] body = reply.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(status, body.length);
            exchange.getResponseBody().write(body);
          }
        });
    server.start();
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  @Test
  void puts_the_pieces_of_a_streamed_answer_together() {
    // given
    reply =
        chunk("SELECT ") + chunk("*") + "data: {\"choices\":[{\"delta\":{}}]}\n\ndata: [DONE]\n\n";

    // when
    List<String> pieces = new ArrayList<>();
    Answer answer = client().stream(QUESTION, pieces::add);

    // then
    assertThat(answer.text()).isEqualTo("SELECT *");
    assertThat(answer.tokens()).isEqualTo(3);
    assertThat(pieces).containsExactly("SELECT ", "*", "");
    assertThat(received.get())
        .contains("\"model\":\"sql\"", "Show \\\"all\\\".", "\"stream\":true", "\"temperature\":0");
  }

  @Test
  void names_the_base_model_by_an_empty_name() {
    reply = "data: [DONE]\n\n";
    client().ask(new Question(Question.BASE, "Hi", 1));
    assertThat(received.get()).contains("\"model\":\"\"");
  }

  @Test
  void says_what_the_server_said_when_it_refuses() {
    status = 424;
    reply = "{\"error\":\"no such adapter\"}";
    assertThatThrownBy(() -> client().ask(QUESTION))
        .isInstanceOf(RequestRefused.class)
        .hasMessageContainingAll("sql", "424", "no such adapter");
  }

  @Test
  void takes_an_error_in_the_middle_of_a_stream_for_an_error() {
    reply = chunk("SEL") + "data: {\"error\":\"shard is gone\",\"error_type\":\"generation\"}\n\n";
    assertThatThrownBy(() -> client().ask(QUESTION))
        .isInstanceOf(RequestRefused.class)
        .hasMessageContaining("shard is gone");
  }

  @Test
  void does_not_take_a_stream_that_ends_early_for_an_answer() {
    reply = chunk("SEL");
    assertThatThrownBy(() -> client().ask(QUESTION))
        .isInstanceOf(RequestRefused.class)
        .hasMessageContainingAll("without [DONE]", "SEL");
  }

  private static String chunk(String content) {
    return "data: {\"choices\":[{\"delta\":{\"content\":\"%s\"}}]}\n\n".formatted(content);
  }

  private ChatClient client() {
    return new ChatClient(
        URI.create("http://127.0.0.1:" + server.getAddress().getPort()), InstantSource.system());
  }
}
