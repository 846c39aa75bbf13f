package dev.lorax.operator.server.manifest;

import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.lorax.crds.v1alpha1.LoraxServer;
import dev.lorax.operator.GoldenFile;
import dev.lorax.operator.server.plan.ServingPlan;
import dev.lorax.operator.server.plan.Specs;
import java.io.IOException;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

public final class ManifestGoldenTest {

  @TestFactory
  Stream<DynamicTest> renders() throws IOException {
    return GoldenFile.cases(getClass()).stream()
        .map(directory -> dynamicTest(directory.getFileName().toString(), () -> render(directory)));
  }

  private static void render(Path directory) throws IOException {
    // given
    ServingPlan plan =
        Specs.planned(GoldenFile.read(directory.resolve("in-server.yaml"), LoraxServer.class));

    // when
    var deployment = DeploymentManifest.of(plan);
    var service = ServiceManifest.of(plan);

    // then
    GoldenFile.assertMatches(directory.resolve("out-deployment.yaml"), deployment);
    GoldenFile.assertMatches(directory.resolve("out-service.yaml"), service);
    GoldenFile.assertMatches(
        directory.resolve("out-cache-claim.yaml"), CacheClaimManifest.of(plan));
    GoldenFile.assertMatches(
        directory.resolve("out-disruption-budget.yaml"), DisruptionBudgetManifest.of(plan));
    GoldenFile.assertMatches(directory.resolve("out-autoscaler.yaml"), AutoscalerManifest.of(plan));
    GoldenFile.assertMatches(
        directory.resolve("out-device-claim.yaml"), DeviceClaimManifest.of(plan));
  }
}
