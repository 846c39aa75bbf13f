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
          OutOfMemory       | gave up after 5 restarts within 600 s: shard-0 ran out of memory (exit code 72)
          OutOfMemory       | torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB
          DiskFull          | not enough disk space for org/base: needs 3.1 GB more in /data, 1.0 GB are free
          DiskFull          | OSError: [Errno 28] No space left on device
          NoDevice          | shard-0 exited with 1: no CUDA device is visible to this process
          UnsupportedModel  | shard-0 exited with 1: unsupported architecture MambaForCausalLM
          UnsupportedModel  | model type mamba is not supported
          Unauthorized      | https://hub.example does not know the token in use: it is mistyped or revoked
          Unauthorized      | org/base is gated: accept its terms at https://hub.example/org/base
          Unauthorized      | https://hub.example forbids reading org/base; check the rights of the token
          Unauthorized      | s3://models/base: SignatureDoesNotMatch
          ModelNotFound     | https://hub.example has no model org/base that the token in use may read
          ModelNotFound     | org/base has no revision v9 on https://hub.example
          ModelNotFound     | model /models/none.gguf does not exist: expected a directory or a .gguf file
          ModelNotFound     | --model-id: expected a directory or .gguf file that exists, got /models/none.gguf
          ModelDamaged      | model directory /models/base lacks config.json
          ModelDamaged      | model.safetensors arrived damaged 2 times: expected SHA-256 abc, got def
          VolumeNotWritable | cannot write /data/models--org--base: permission denied
          DeviceFailed      | shard-0 ended itself because its CUDA device fails until the process is replaced
          Hangs             | shard-1 has not answered its health check for 30 s
          Hangs             | shard-0 ended itself because a step took too long (exit code 70)
          DownloadFailed    | cannot connect to hub.example: no route to host
          ShardFailed       | shard-0 exited with 1: it fell over
          RouterFailed      | router exited with 1
          CrashLooping      | java.lang.IllegalStateException: bug
          """)
  void reads_the_cause_from_the_last_words(String reason, String lastWords) {
    assertThat(FailureReason.of(lastWords).word()).isEqualTo(reason);
  }
}
