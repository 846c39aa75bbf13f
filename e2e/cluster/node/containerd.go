package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"text/template"
	"time"

	criapi "k8s.io/cri-api/pkg/apis"
	cri "k8s.io/cri-client/pkg"

	"lorax.dev/cluster/image"
	"lorax.dev/cluster/network"
)

// Debian's folder of network plugins, then everybody else's.
var pluginFolders = []string{"/usr/lib/cni", "/opt/cni/bin"}

var containerdConfig = template.Must(template.New("containerd").Parse(`version = 2
root = "{{.Root}}"
state = "/run/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.internal.v1.restart",
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]

[grpc]
  address = "{{.Socket}}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{{.Pause}}"
  disable_apparmor = true
  netns_mounts_under_state_dir = true
  # Root in a container may not lower its own score, which every sandbox would otherwise try.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{{.Plugins}}"
    conf_dir = "{{.Networks}}"
`))

// Each pod has a link of its own to the node, so that traffic between pods is routed and service
// addresses are translated both ways, without the kernel module that a bridge would need.
var podNetwork = `{
  "cniVersion": "0.4.0",
  "name": "pods",
  "plugins": [{
    "type": "ptp",
    "ipam": {"type": "host-local", "ranges": [[{"subnet": "` + network.Pods + `"}]],
             "routes": [{"dst": "0.0.0.0/0"}]}
  }]
}
`

func (n *node) startContainerd(ctx context.Context) error {
	plugins, err := pluginFolder()
	if err != nil {
		return err
	}
	if err := os.WriteFile(n.folder.Path("cni", "pods.conflist"), []byte(podNetwork), 0o644); err != nil {
		return err
	}
	config, err := os.Create(n.folder.Path("config", "containerd.toml"))
	if err != nil {
		return err
	}
	defer config.Close()
	err = containerdConfig.Execute(config, map[string]string{
		"Root": n.containerdRoot, "Socket": n.folder.ContainerdSocket(), "Pause": image.Pause,
		"Plugins": plugins, "Networks": n.folder.Path("cni"),
	})
	if err != nil {
		return err
	}
	// A killed containerd leaves its socket, and ours must mean that it listens.
	if err := os.Remove(n.folder.ContainerdSocket()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := n.start("containerd", "containerd", "--config", config.Name()); err != nil {
		return err
	}
	return n.removeFormerPods(ctx)
}

// removeFormerPods forgets the pods of a cluster that used the same images before and was killed:
// their processes and networks are gone, and their names would be in the way.
func (n *node) removeFormerPods(ctx context.Context) error {
	var runtime criapi.RuntimeService
	err := eventually(ctx, 30*time.Second, func() (err error) {
		// The client below logs each failed attempt; a missing socket is no news while it starts.
		if _, err := os.Stat(n.folder.ContainerdSocket()); err != nil {
			return err
		}
		runtime, err = cri.NewRemoteRuntimeService(n.endpoint(), 30*time.Second, nil, nil)
		return err
	})
	if err != nil {
		return fmt.Errorf("containerd does not answer: %w", err)
	}
	pods, err := runtime.ListPodSandbox(ctx, nil)
	if err != nil {
		return fmt.Errorf("pods of a former cluster: %w", err)
	}
	for _, pod := range pods {
		if err := runtime.StopPodSandbox(ctx, pod.Id); err != nil {
			return fmt.Errorf("pod of a former cluster: %w", err)
		}
		if err := runtime.RemovePodSandbox(ctx, pod.Id); err != nil {
			return fmt.Errorf("pod of a former cluster: %w", err)
		}
	}
	return nil
}

func (n *node) endpoint() string { return "unix://" + n.folder.ContainerdSocket() }

func pluginFolder() (string, error) {
	for _, folder := range pluginFolders {
		if _, err := os.Stat(folder + "/ptp"); err == nil {
			return folder, nil
		}
	}
	return "", fmt.Errorf("no network plugin ptp in %v; run install-packages.sh", pluginFolders)
}
