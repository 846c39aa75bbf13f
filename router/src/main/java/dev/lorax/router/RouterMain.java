package dev.lorax.router;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.JsonEncoder;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.encoder.Encoder;
import dev.lorax.router.access.ApiKeysException;
import dev.lorax.router.batching.ShardException;
import dev.lorax.router.config.RouterArguments;
import dev.lorax.router.config.RouterArguments.Parsed;
import dev.lorax.router.config.RouterConfig;
import dev.lorax.router.http.WrongCertificateException;
import dev.lorax.router.tokenizer.Machine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The router process. */
public final class RouterMain {
  private static final Logger LOG = LoggerFactory.getLogger(RouterMain.class);
  private static final int USAGE_ERROR = 2;

  private RouterMain() {}

  public static void main(String[] arguments) throws InterruptedException {
    Map<String, String> environment = System.getenv();
    switch (RouterArguments.parse(List.of(arguments), environment)) {
      case Parsed.Print(var text) -> System.out.print(text);
      case Parsed.Wrong(var problems) -> {
        problems.forEach(problem -> System.err.println("lorax-router: " + problem));
        System.err.println("lorax-router: see --help");
        terminate(environment, String.join("; ", problems), USAGE_ERROR);
      }
      case Parsed.Run asked -> run(asked, environment);
    }
  }

  private static void run(Parsed.Run asked, Map<String, String> environment)
      throws InterruptedException {
    RouterConfig config = asked.config();
    log(config.jsonOutput(), environment.getOrDefault("LOG_LEVEL", "info"));
    LOG.atInfo().addKeyValue("options", asked.options()).log("router starts");
    asked
        .remarks()
        .forEach((name, reason) ->
            LOG.atWarn()
                .addKeyValue("variable", name)
                .addKeyValue("reason", reason)
                .log("environment variable ignored"));
    try {
      serve(config);
    } catch (IOException e) {
      fail(environment, "Unable to start: " + e.getMessage(), e);
    } catch (ShardException e) {
      fail(environment, "Unable to connect to the model shards: " + e.reason(), e);
    } catch (RuntimeException e) {
      fail(environment, "Unable to start: " + e.getMessage(), e);
    }
  }

  private static void serve(RouterConfig config)
      throws IOException, ShardException, InterruptedException {
    var stopping = new CountDownLatch(1);
    var stopped = new CountDownLatch(1);
    var router = RouterProcess.start(config, here());
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(() -> {
              stopping.countDown();
              awaitQuietly(stopped);
              // The JVM would report the signal instead of an orderly end.
              Runtime.getRuntime().halt(0);
            }));
    LOG.atInfo().addKeyValue("port", router.port()).log("router listens");
    stopping.await();
    LOG.info("router leaves");
    router.leave();
    Thread.sleep(config.patience().lameDuck());
    LOG.info("router drains");
    boolean drained = router.drain(config.patience().lameDuck(), config.patience().drain());
    router.close();
    LOG.atInfo().addKeyValue("drained", drained).log("router stopped");
    stopped.countDown();
  }

  static Machine here() {
    return new Machine(
        System.getProperty("os.name"),
        System.getProperty("os.arch"),
        Path.of(System.getProperty("user.home")));
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void fail(Map<String, String> environment, String sentence, Exception cause) {
    var event = LOG.atError().setCause(cause);
    String code = code(cause);
    (code == null ? event : event.addKeyValue("code", code)).log(sentence);
    terminate(environment, sentence, 1);
  }

  /** The launcher's word for a failure, which it reads from the last line; null if it has none. */
  private static @Nullable String code(Exception failure) {
    if (failure instanceof ApiKeysException) {
      return "WrongApiKeys";
    }
    if (failure instanceof WrongCertificateException) {
      return "WrongCertificate";
    }
    return portTaken(failure) ? "PortTaken" : null;
  }

  /** The native transport's refusal is no BindException; its text is the system's. */
  private static boolean portTaken(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (String.valueOf(cause.getMessage()).contains("Address already in use")) {
        return true;
      }
    }
    return false;
  }

  /** Leaves the reason where Kubernetes shows it, if there is such a place. */
  private static void terminate(Map<String, String> environment, String sentence, int status) {
    Path log = Path.of(environment.getOrDefault("LORAX_TERMINATION_LOG", "/dev/termination-log"));
    try {
      if (Files.isWritable(log)) {
        Files.writeString(log, sentence + "\n", StandardOpenOption.WRITE);
      }
    } catch (IOException e) {
      LOG.atWarn().setCause(e).log("termination log not written");
    }
    System.exit(status);
  }

  private static void log(boolean json, String level) {
    var context = (LoggerContext) LoggerFactory.getILoggerFactory();
    context.reset();
    Encoder<ILoggingEvent> encoder;
    if (json) {
      encoder = new JsonEncoder();
    } else {
      var text = new PatternLayoutEncoder();
      text.setPattern("%d{HH:mm:ss.SSS} %-5level %msg %kvp%n%ex");
      encoder = text;
    }
    encoder.setContext(context);
    encoder.start();
    var console = new ConsoleAppender<ILoggingEvent>();
    console.setContext(context);
    console.setEncoder(encoder);
    console.start();
    var root = context.getLogger(Logger.ROOT_LOGGER_NAME);
    root.setLevel(Level.WARN);
    root.addAppender(console);
    // It warns of every connection that a Unix socket has no keep-alive.
    context.getLogger("io.netty.bootstrap").setLevel(Level.ERROR);
    context.getLogger("dev.lorax").setLevel(Level.toLevel(level, Level.INFO));
  }
}
