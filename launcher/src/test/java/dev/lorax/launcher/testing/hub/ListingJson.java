package dev.lorax.launcher.testing.hub;

import java.util.stream.Collectors;

/** What the hub says of a repository and of its files. */
final class ListingJson {

  private ListingJson() {}

  /** The answer to {@code /api/models/<id>/revision/<revision>}. */
  static String of(HubRepo repo, String commit, boolean blobs) {
    String siblings =
        repo.files(commit).entrySet().stream()
            .map(file -> sibling(file.getKey(), file.getValue(), blobs))
            .collect(Collectors.joining(","));
    return """
    {"_id":"621ffdc036468d709f17434d","id":"%1$s","private":%2$s,"modelId":"%1$s","author":"org",\
    "sha":"%3$s","lastModified":"2024-02-19T10:57:45.000Z","gated":%4$s,"disabled":false,\
    "tags":["transformers","safetensors"],"downloads":1,"likes":0,"library_name":"transformers",\
    "siblings":[%5$s],"createdAt":"2022-03-02T23:29:04.000Z","usedStorage":1}\
    """
        .formatted(
            repo.id(),
            repo.access() == HubRepo.Access.PRIVATE,
            commit,
            repo.access() == HubRepo.Access.GATED ? "\"manual\"" : "false",
            siblings);
  }

  /** The answer to {@code /api/models/<id>/tree/<revision>?recursive=true}, on one page. */
  static String tree(HubRepo repo, String commit) {
    return repo.files(commit).entrySet().stream()
        .map(file -> leaf(file.getKey(), file.getValue()))
        .collect(Collectors.joining(",", "[", "]"));
  }

  private static String leaf(String path, HubRepo.Content content) {
    String lfs =
        content.large()
            ? ",\"lfs\":{\"oid\":\"%s\",\"size\":%d,\"pointerSize\":%d}"
                .formatted(content.sha256(), content.bytes().length, content.pointer().length)
            : "";
    return "{\"type\":\"file\",\"path\":\"%s\",\"size\":%d,\"oid\":\"%s\"%s}"
        .formatted(path, content.bytes().length, content.gitHash(), lfs);
  }

  private static String sibling(String path, HubRepo.Content content, boolean blobs) {
    if (!blobs) {
      return "{\"rfilename\":\"%s\"}".formatted(path);
    }
    String lfs =
        content.large()
            ? ",\"lfs\":{\"sha256\":\"%s\",\"size\":%d,\"pointerSize\":%d}"
                .formatted(content.sha256(), content.bytes().length, content.pointer().length)
            : "";
    return "{\"rfilename\":\"%s\",\"size\":%d,\"blobId\":\"%s\"%s}"
        .formatted(path, content.bytes().length, content.gitHash(), lfs);
  }
}
