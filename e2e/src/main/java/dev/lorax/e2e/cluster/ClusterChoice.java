package dev.lorax.e2e.cluster;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A kind of cluster with what singles it out: enough to bring it up, and to find and remove it
 * later.
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "kind")
@JsonSubTypes({
  @JsonSubTypes.Type(value = ClusterChoice.Embedded.class, name = "embedded"),
  @JsonSubTypes.Type(value = ClusterChoice.K3s.class, name = "k3s"),
  @JsonSubTypes.Type(value = ClusterChoice.Existing.class, name = "existing")
})
public sealed interface ClusterChoice {

  /** Brings the cluster up, or goes on with the one that runs. */
  Cluster up(Surroundings surroundings, Consumer<String> progress);

  /** Removes a cluster of our own with all that is in it; harmless when there is none. */
  void down(Surroundings surroundings, Consumer<String> progress);

  /** The kind of cluster in a few words, for people. */
  String description();

  /**
   * The kind that fits this machine.
   *
   * @param context a context of the person's kubeconfig: only a cluster named here is ever touched
   * @param program the embedded cluster's program, which asks for that kind
   * @param k3sImage an image to use where k3s is chosen, instead of the public one
   */
  static ClusterChoice decide(
      @Nullable String context,
      @Nullable Path program,
      @Nullable String k3sImage,
      Surroundings surroundings,
      Consumer<String> progress) {
    if (context != null) {
      var existing = new Existing(context);
      // One that does not answer is refused before anything is remembered of it.
      existing.up(surroundings, progress);
      return existing;
    }
    if (program != null) {
      return new Embedded(program);
    }
    return K3sCluster.dockerAnswers()
        ? new K3s(k3sImage == null ? K3sCluster.DEFAULT_IMAGE : k3sImage)
        : new Embedded(EmbeddedCluster.build(surroundings.repository(), progress));
  }

  /** The Kubernetes of {@code e2e/cluster}, linked into this program. */
  record Embedded(Path program) implements ClusterChoice {

    @Override
    public Cluster up(Surroundings surroundings, Consumer<String> progress) {
      return EmbeddedCluster.up(program, surroundings, progress);
    }

    @Override
    public void down(Surroundings surroundings, Consumer<String> progress) {
      // The program may have been cleaned away while its cluster ran on.
      Path present =
          Files.isExecutable(program)
              ? program
              : KubernetesTools.build(surroundings.repository(), progress);
      EmbeddedCluster.down(present, surroundings.state(), progress);
    }

    @Override
    public String description() {
      return "an embedded Kubernetes";
    }
  }

  /** A k3s in this machine's Docker. */
  record K3s(String image) implements ClusterChoice {

    @Override
    public Cluster up(Surroundings surroundings, Consumer<String> progress) {
      return K3sCluster.up(
          image, surroundings.state(), KubernetesTools.find(surroundings, progress), progress);
    }

    @Override
    public void down(Surroundings surroundings, Consumer<String> progress) {
      K3sCluster.remove(surroundings.state(), progress);
    }

    @Override
    public String description() {
      return "k3s in Docker";
    }
  }

  /** A cluster of the person's own, which is never removed. */
  record Existing(String context) implements ClusterChoice {

    @Override
    public Cluster up(Surroundings surroundings, Consumer<String> progress) {
      return new ExistingCluster(context, surroundings.programs());
    }

    @Override
    public void down(Surroundings surroundings, Consumer<String> progress) {
      progress.accept("the cluster itself stays");
    }

    @Override
    public String description() {
      return "the cluster of context " + context;
    }
  }
}
