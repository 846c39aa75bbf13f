package dev.lorax.launcher.s3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import dev.lorax.launcher.config.S3Config;
import dev.lorax.launcher.config.Secret;
import dev.lorax.launcher.download.DownloadException;
import dev.lorax.launcher.download.FileSelection;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Refusals in the form of Amazon's, which the test's own store never gives. */
final class S3RefusalsTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "400 | ExpiredToken | WrongToken | The provided token has expired. | the session token is expired or wrong: renew AWS_SESSION_TOKEN with its keys",
        "400 | AuthorizationHeaderMalformed | WrongArguments | the region 'us-east-1' is wrong; expecting 'eu-west-1' | bucket models lies in another region: set AWS_REGION=eu-west-1",
        "403 | AccessDenied | AccessDenied | Access Denied | the credentials in use may not read s3://models/tiny: they need s3:ListBucket on the bucket and s3:GetObject below the prefix",
        "403 | RequestTimeTooSkewed | WrongToken | too large | %s finds that this machine's clock is wrong: set it",
        "503 | SlowDown | - | Please reduce your request rate. | %s answered 503 SlowDown",
        "404 | NoSuchBucket | ModelNotFound | gone | there is no bucket models at %s: check the id and S3_ENDPOINT_URL",
        "400 | KeyTooLongError | SourceUnreachable | Your key is too long | %s answered 400 KeyTooLongError: Your key is too long",
      })
  void become_a_sentence_with_what_to_do(
      int status, String code, String word, String message, String sentence) throws Exception {
    // given
    var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          byte[] body =
              "<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>%s</Message></Error>"
                  .formatted(code, message)
                  .getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(status, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
    URI endpoint = URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    var config = new S3Config(endpoint, null, "AKIATESTING", new Secret("secret"), null, null);

    // then
    try (var store = S3Connection.open(config, Duration.ofSeconds(10))) {
      assertThatThrownBy(
              () -> store.list(new S3Address("models", "tiny"), FileSelection.BASE_MODEL))
          .hasMessage(sentence, endpoint)
          .satisfies(refusal -> assertThat(codeOf(refusal)).isEqualTo(word));
    } finally {
      server.stop(0);
    }
  }

  /** A dash for what is tried again. */
  private static String codeOf(Throwable refusal) {
    return refusal instanceof DownloadException last ? last.code().word() : "-";
  }
}
