package dev.lorax.launcher.socket;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.protocol.generate.v1.HealthRequest;
import dev.lorax.protocol.generate.v1.HealthResponse;
import dev.lorax.protocol.generate.v1.LoraxServiceGrpc;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class UnixSocketsTest {

  @TempDir private Path directory;

  @Test
  void carries_a_call_over_a_unix_socket() throws Exception {
    // given
    Path socket = directory.resolve("a.sock");
    try (var sockets = new UnixSockets()) {
      var server = sockets.server(socket).addService(new Health()).build().start();
      var channel = sockets.channel(socket);

      // when
      var answer =
          LoraxServiceGrpc.newBlockingStub(channel)
              .withDeadlineAfter(10, TimeUnit.SECONDS)
              .health(HealthRequest.getDefaultInstance());

      // then
      assertThat(answer).isEqualTo(HealthResponse.getDefaultInstance());
      channel.shutdownNow();
      server.shutdownNow();
    }
  }

  private static final class Health extends LoraxServiceGrpc.LoraxServiceImplBase {
    @Override
    public void health(HealthRequest request, StreamObserver<HealthResponse> response) {
      response.onNext(HealthResponse.getDefaultInstance());
      response.onCompleted();
    }
  }
}
