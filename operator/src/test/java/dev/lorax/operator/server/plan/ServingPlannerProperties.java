package dev.lorax.operator.server.plan;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.crds.v1alpha1.Adapters;
import dev.lorax.crds.v1alpha1.Claim;
import dev.lorax.crds.v1alpha1.ComputeResources;
import dev.lorax.crds.v1alpha1.LoraxServerSpec;
import dev.lorax.crds.v1alpha1.ModelSource;
import dev.lorax.crds.v1alpha1.Shards;
import dev.lorax.crds.v1alpha1.Shards.Device;
import dev.lorax.crds.v1alpha1.Shards.Placement;
import dev.lorax.operator.server.manifest.DeploymentManifest;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

final class ServingPlannerProperties {

  private static final ServerIdentity SERVER = new ServerIdentity("models", "demo", "uid");

  @Property(tries = 200)
  void same_spec_gives_the_same_plan_and_manifest(@ForAll("specs") LoraxServerSpec spec) {
    // given
    LoraxServerSpec copy =
        Serialization.unmarshal(Serialization.asJson(spec), LoraxServerSpec.class);

    // when
    var first = plan(spec);
    var second = plan(copy);

    // then
    assertThat(second).isEqualTo(first);
    assertThat(Serialization.asYaml(DeploymentManifest.of(second)))
        .isEqualTo(Serialization.asYaml(DeploymentManifest.of(first)));
  }

  @Property(tries = 200)
  void order_of_resources_does_not_show(@ForAll("amounts") Map<String, Quantity> amounts) {
    // given
    var reversed = new LinkedHashMap<String, Quantity>();
    amounts.entrySet().stream()
        .toList()
        .reversed()
        .forEach(entry -> reversed.put(entry.getKey(), entry.getValue()));

    // when
    var first = DeploymentManifest.of(plan(withRequests(amounts)));
    var second = DeploymentManifest.of(plan(withRequests(reversed)));

    // then
    assertThat(Serialization.asYaml(second)).isEqualTo(Serialization.asYaml(first));
  }

  @Property(tries = 200)
  void every_shard_has_one_container_and_one_gpu(@ForAll("specs") LoraxServerSpec spec) {
    // when
    var plan = plan(spec);

    // then
    int shards = spec.shards().count();
    int containers = plan.shardContainers().size();
    assertThat(containers).isIn(1, shards);
    int gpus =
        plan.shardContainers().stream()
            .map(container -> container.resources().limits().get("nvidia.com/gpu"))
            .mapToInt(gpu -> gpu == null ? 0 : gpu.getNumericalAmount().intValueExact())
            .sum();
    assertThat(gpus).isEqualTo(spec.shards().device() == Device.CUDA ? shards : 0);
    assertThat(plan.launcher().arguments()).containsSequence("--num-shard", String.valueOf(shards));
  }

  @Property(tries = 100)
  void grace_period_is_longer_than_the_drain(@ForAll("specs") LoraxServerSpec spec) {
    // when
    var termination = plan(spec).termination();

    // then
    assertThat(termination.grace())
        .isGreaterThan(termination.drain().plus(termination.endpointPropagation()));
  }

  @Provide
  Arbitrary<LoraxServerSpec> specs() {
    var shards =
        Combinators.combine(
                Arbitraries.integers().between(1, 8),
                Arbitraries.of(Device.class),
                Arbitraries.of(Placement.class).injectNull(0.3),
                resources())
            .as((count, device, placement, one) ->
                new Shards(count, device, placement, "i", one, null, null));
    var adapters =
        Arbitraries.of("sql", "sentiment", "team/pirate")
            .list()
            .uniqueElements()
            .map(ids -> new Adapters(null, new Claim("tuned", "lora"), null, null, null, ids));
    return Combinators.combine(
            shards,
            adapters,
            Arbitraries.integers().between(0, 5),
            Arbitraries.integers().between(0, 3600))
        .as(ServingPlannerProperties::spec);
  }

  @Provide
  Arbitrary<Map<String, Quantity>> amounts() {
    return Arbitraries.maps(
            Arbitraries.of("cpu", "memory", "ephemeral-storage", "example.com/thing"),
            Arbitraries.of("1", "500m", "2Gi").map(Quantity::new))
        .ofMaxSize(4);
  }

  private Arbitrary<ComputeResources> resources() {
    return amounts().map(requests -> new ComputeResources(requests, Map.of()));
  }

  private static LoraxServerSpec spec(Shards shards, Adapters adapters, int replicas, int drain) {
    LoraxServerSpec defaults =
        Serialization.unmarshal("model: {pvc: {claimName: base}}", LoraxServerSpec.class);
    return new LoraxServerSpec(
        new ModelSource(null, null, new Claim("base", "model.gguf")),
        replicas,
        shards,
        adapters,
        defaults.router(),
        defaults.launcher(),
        null,
        defaults.service(),
        null,
        null,
        drain + "s",
        defaults.rollout(),
        defaults.disruptionBudget(),
        null,
        defaults.podTemplate());
  }

  private static LoraxServerSpec withRequests(Map<String, Quantity> requests) {
    return spec(
        new Shards(1, Device.CPU, null, "i", new ComputeResources(requests, Map.of()), null, null),
        new Adapters(null, null, null, null, null, List.of()),
        1,
        60);
  }

  private static ServingPlan plan(LoraxServerSpec spec) {
    return switch (new ServingPlanner(Specs.IMAGES).plan(SERVER, spec)) {
      case Planning.Planned(var plan) -> plan;
      case Planning.Refused(var problems) -> throw new AssertionError(problems);
    };
  }
}
