package dev.lorax.operator.server.plan;

import dev.lorax.crds.v1alpha1.Claim;
import dev.lorax.crds.v1alpha1.LoraxServerSpec;
import dev.lorax.operator.server.plan.ServingPlan.ClaimMount;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which claims are mounted where. A claim is mounted once: kubelets stumble over two volumes of one
 * claim.
 */
final class ClaimPlanner {

  private final @Nullable Claim model;
  private final @Nullable Claim adapters;

  ClaimPlanner(LoraxServerSpec spec) {
    this.model = spec.model().pvc();
    this.adapters = spec.adapters().pvc();
  }

  List<ClaimMount> mounts() {
    var mounts = new ArrayList<ClaimMount>();
    if (model != null) {
      mounts.add(new ClaimMount("model", model.claimName(), PodLayout.MODELS));
    }
    if (adapters != null && !oneClaim()) {
      mounts.add(new ClaimMount("adapters", adapters.claimName(), PodLayout.ADAPTERS));
    }
    return mounts;
  }

  /** Path of the model in the containers; null when it does not come from a claim. */
  @Nullable String modelPath() {
    return model == null ? null : below(PodLayout.MODELS, model.path());
  }

  /** Directory of the adapters in the containers; null without one. */
  @Nullable String adapterRoot() {
    if (adapters == null) {
      return null;
    }
    return below(oneClaim() ? PodLayout.MODELS : PodLayout.ADAPTERS, adapters.path());
  }

  private boolean oneClaim() {
    return model != null && adapters != null && model.claimName().equals(adapters.claimName());
  }

  private static String below(String directory, String path) {
    return path.isEmpty() ? directory : directory + "/" + path;
  }
}
