package dev.lorax.operator.server.apply;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerBuilder;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.DeploymentBuilder;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

final class DriftTest {

  static Stream<Arguments> what_others_may_do() {
    return Stream.of(
        harmless("nothing", deployment -> {}),
        harmless("a default", deployment -> deployment.getSpec().setRevisionHistoryLimit(10)),
        harmless("an annotation", d -> d.getMetadata().getAnnotations().put("kubectl", "was here")),
        harmless("a quantity in other words", d -> limit(d, "0.5")),
        harmless("a flag left out that is off", d -> d.getSpec().setPaused(null)),
        harmless("a container before ours", DriftTest::injectContainer));
  }

  static Stream<Arguments> what_is_set_back() {
    return Stream.of(
        harm("spec.replicas", deployment -> deployment.getSpec().setReplicas(7)),
        harm("spec.replicas", deployment -> deployment.getSpec().setReplicas(null)),
        harm("metadata.labels.app", deployment -> deployment.getMetadata().getLabels().clear()),
        harm("spec.template", deployment -> deployment.getSpec().setTemplate(null)),
        harm("spec.template.spec.containers[0].image", d -> router(d).setImage("other")),
        harm("spec.template.spec.containers[0].args", d -> router(d).getArgs().add("--more")),
        harm("spec.template.spec.containers[0].resources.limits.cpu", d -> limit(d, "1")),
        harm(
            "spec.template.spec.containers[0]",
            deployment -> deployment.getSpec().getTemplate().getSpec().setContainers(List.of())));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource
  void what_others_may_do(String what, Consumer<Deployment> change) {
    // given
    Deployment found = deployment();
    change.accept(found);

    // when
    var drift = Drift.between(deployment(), found);

    // then
    assertThat(drift).as(what).isEmpty();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource
  void what_is_set_back(String field, Consumer<Deployment> change) {
    // given
    Deployment found = deployment();
    change.accept(found);

    // when
    var drift = Drift.between(deployment(), found);

    // then
    assertThat(drift).contains(field);
  }

  @Test
  void what_is_wanted_no_more_is_seen_by_the_fingerprint_alone() {
    // given
    Deployment before = deployment();
    Deployment after = deployment();
    after.getSpec().getTemplate().getSpec().getNodeSelector().clear();

    // when
    var drift = Drift.between(after, before);

    // then
    assertThat(drift).isEmpty();
    ApplyBody.of(before).stamp("stamp");
    ApplyBody.of(after).stamp("stamp");
    assertThat(Drift.between(after, before)).contains("metadata.annotations.stamp");
  }

  private static Arguments harmless(String what, Consumer<Deployment> change) {
    return Arguments.of(what, change);
  }

  private static Arguments harm(String field, Consumer<Deployment> change) {
    return Arguments.of(field, change);
  }

  private static Container router(Deployment deployment) {
    return deployment.getSpec().getTemplate().getSpec().getContainers().getFirst();
  }

  private static void limit(Deployment deployment, String cpu) {
    router(deployment).getResources().setLimits(Map.of("cpu", new Quantity(cpu)));
  }

  private static void injectContainer(Deployment deployment) {
    var containers = deployment.getSpec().getTemplate().getSpec().getContainers();
    containers.addFirst(new ContainerBuilder().withName("injected").withImage("proxy").build());
  }

  private static Deployment deployment() {
    return new DeploymentBuilder()
        .withNewMetadata()
        .withName("server")
        .addToLabels("app", "lorax")
        .endMetadata()
        .withNewSpec()
        .withReplicas(2)
        .withPaused(false)
        .withNewTemplate()
        .withNewSpec()
        .addToNodeSelector("gpu", "h100")
        .addNewContainer()
        .withName("router")
        .withImage("router:1")
        .withArgs("--port", "80")
        .withNewResources()
        .addToLimits("cpu", new Quantity("500m"))
        .endResources()
        .endContainer()
        .endSpec()
        .endTemplate()
        .endSpec()
        .build();
  }
}
