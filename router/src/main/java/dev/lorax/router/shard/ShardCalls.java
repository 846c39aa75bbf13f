package dev.lorax.router.shard;

import static java.util.concurrent.TimeUnit.NANOSECONDS;

import dev.lorax.router.batching.Pending;
import dev.lorax.router.batching.ShardException;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** Calls in flight, and what their failures mean. */
final class ShardCalls {
  /** See extensions.proto. */
  private static final Metadata.Key<String> FAILED_REQUESTS =
      Metadata.Key.of("lorax-failed-requests", Metadata.ASCII_STRING_MARSHALLER);

  private ShardCalls() {}

  /** Waits for all, whose deadlines are their own; a lost shard outweighs one that failed. */
  static <R> Pending<List<R>> all(String method, List<? extends Future<R>> calls) {
    return () -> wait(method, calls, Future::get);
  }

  /**
   * The answers to calls that have no deadline of their own.
   *
   * @param endNanos on the clock of {@link System#nanoTime}
   */
  static <R> List<R> waitUntil(long endNanos, String method, List<? extends Future<R>> calls)
      throws ShardException, InterruptedException {
    return wait(method, calls, call -> call.get(endNanos - System.nanoTime(), NANOSECONDS));
  }

  private static <R> List<R> wait(
      String method, List<? extends Future<R>> calls, Waiting<R> waiting)
      throws ShardException, InterruptedException {
    var answers = new ArrayList<R>(calls.size());
    ShardException worst = null;
    for (int i = 0; i < calls.size(); i++) {
      try {
        answers.add(waiting.answer(calls.get(i)));
      } catch (ExecutionException | TimeoutException e) {
        ShardException failure = failure(method, i, e);
        worst = worst == null || failure instanceof ShardException.Lost ? failure : worst;
      }
    }
    if (worst != null) {
      throw worst;
    }
    return answers;
  }

  /** Waits for the answer of one shard. */
  static <R> R one(String method, int shardIndex, Future<R> call)
      throws ShardException, InterruptedException {
    try {
      return call.get();
    } catch (ExecutionException e) {
      throw failure(method, shardIndex, e);
    }
  }

  private static ShardException failure(String method, int shardIndex, Exception e) {
    Status status =
        e instanceof TimeoutException
            ? Status.DEADLINE_EXCEEDED.withDescription("no reply within its time")
            : Status.fromThrowable(e);
    String detail = status.getDescription() == null ? "" : status.getDescription();
    return switch (status.getCode()) {
      case UNAVAILABLE, CANCELLED ->
          new ShardException.Lost(
              "shard %d is gone (%s: %s)".formatted(shardIndex, method, firstLine(detail)), e);
      case DEADLINE_EXCEEDED ->
          new ShardException.TimedOut(
              "shard %d did not answer %s in time: %s"
                  .formatted(shardIndex, method, firstLine(detail)),
              e);
      default ->
          new ShardException.Refused(
              detail.isEmpty()
                  ? "shard %d failed %s with %s".formatted(shardIndex, method, status.getCode())
                  : detail,
              e,
              status.getCode() == Status.Code.ABORTED,
              culprits(Status.trailersFromThrowable(e)));
    };
  }

  private static List<Long> culprits(@Nullable Metadata trailers) {
    String ids = trailers == null ? null : trailers.get(FAILED_REQUESTS);
    return ids == null ? List.of() : Arrays.stream(ids.split(",")).map(Long::parseLong).toList();
  }

  /** What gRPC adds after it is about buffers and streams. */
  private static String firstLine(String detail) {
    return detail.lines().findFirst().orElse("no detail");
  }

  /** How an answer is waited for. */
  private interface Waiting<R> {
    R answer(Future<R> call) throws ExecutionException, InterruptedException, TimeoutException;
  }
}
