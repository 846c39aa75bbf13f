package dev.lorax.operator.server.status;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class FailureReasonTest {

  @ParameterizedTest(name = "{1}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          OutOfMemory       | gave up after 5 restarts within 600 s: shard-0 ran out of memory
          OutOfMemory       | torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB
          DiskFull          | not enough disk space for org/base: needs 3.1 GB more in /data, 1.0 GB are free
          DiskFull          | OSError: [Errno 28] No space left on device
          NoDevice          | shard-0 exited with 1: no CUDA device is visible to this process
          UnsupportedModel  | shard-0 exited with 1: unsupported architecture MambaForCausalLM
          UnsupportedModel  | model type mamba is not supported
          Unauthorized      | org/base: https://hub.example answers 401: the token is wrong
          Unauthorized      | s3://models/base: SignatureDoesNotMatch
          ModelNotFound     | model file /models/none.gguf: expected a file, got nothing
          ModelNotFound     | org/token-count: https://hub.example answers 404
          ModelCorrupt      | model.safetensors: expected sha-256 abc, got def
          DeviceFailed      | shard-0 exited with 71: CUDA error: an illegal memory access
          Hangs             | shard-1 gave no heartbeat for 30 s
          DownloadFailed    | org/base: cannot download model.safetensors: connection reset
          ShardFailed       | shard-0 exited with 1: it fell over
          RouterFailed      | router exited with 1
          CrashLooping      | java.lang.IllegalStateException: bug
          """)
  void reads_the_cause_from_the_last_words(String reason, String lastWords) {
    assertThat(FailureReason.of(lastWords).word()).isEqualTo(reason);
  }
}
