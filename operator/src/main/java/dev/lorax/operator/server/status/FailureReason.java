package dev.lorax.operator.server.status;

import java.util.Arrays;
import java.util.regex.Pattern;

/**
 * Why a replica failed, in one stable word for whoever must decide without reading a sentence. It
 * is read from the last words of the process, because shards may run images of others, which know
 * no words of ours. The first that fits counts, so the cause comes before its consequence.
 */
enum FailureReason {
  OUT_OF_MEMORY("OutOfMemory", "out of memory|oomkilled|outofmemory|memory limit"),
  DISK_FULL("DiskFull", "disk space|no space left|disk quota"),
  NO_DEVICE(
      "NoDevice", "no (cuda|nvidia|gpu)|(cuda|gpu) (is|are) not available|notenoughcudadevices"),
  UNSUPPORTED_MODEL(
      "UnsupportedModel",
      "unsupported (model|architecture|quantization|dtype)|(architecture|model type)\\b.*\\bnot"
          + " supported"),
  UNAUTHORIZED(
      "Unauthorized",
      "does not know the token|is gated|forbids|\\b40[13]\\b|unauthorized|forbidden"
          + "|access ?denied|invalidaccesskeyid|signaturedoesnotmatch"),
  MODEL_NOT_FOUND(
      "ModelNotFound",
      "has no (model|revision)|\\b404\\b|no such (repository|revision|model|bucket|key|file)"
          + "|does not exist|not found|nosuch(bucket|key)"
          + "|expected a (file|directory)[^:]*, got nothing"
          + "|expected a directory or \\.gguf file that exists"),
  MODEL_DAMAGED(
      "ModelDamaged", "\\blacks\\b|damaged|does not hold it|lfs pointer|sha-(1|256)|md5|checksum"),
  VOLUME_NOT_WRITABLE("VolumeNotWritable", "read-only file system|cannot write"),
  DEVICE_FAILED("DeviceFailed", "cuda (error|device fails)|device-side assert"),
  HANGS("Hangs", "has not answered its health check|no heartbeat|step took too long"),
  DOWNLOAD_FAILED(
      "DownloadFailed",
      "download|cannot connect|no encrypted connection|did not answer|huggingface|\\bhub\\b|\\bs3\\b"),
  SHARD_FAILED("ShardFailed", "\\bshards?\\b"),
  ROUTER_FAILED("RouterFailed", "\\brouter\\b"),
  GAVE_UP("GaveUp", "gave up"),
  CRASH_LOOPING("CrashLooping", "");

  private final String word;
  private final Pattern sign;

  FailureReason(String word, String sign) {
    this.word = word;
    this.sign = Pattern.compile(sign, Pattern.CASE_INSENSITIVE);
  }

  static FailureReason of(String lastWords) {
    return Arrays.stream(values())
        .filter(reason -> reason.sign.matcher(lastWords).find())
        .findFirst()
        .orElse(CRASH_LOOPING);
  }

  /** As a condition spells it. */
  String word() {
    return word;
  }
}
