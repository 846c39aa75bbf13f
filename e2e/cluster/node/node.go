// Package node brings up the cluster's one node inside namespaces of its own.
package node

import (
	"context"
	"fmt"
	"net"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"lorax.dev/cluster/device"
	"lorax.dev/cluster/dns"
	"lorax.dev/cluster/image"
	"lorax.dev/cluster/network"
	"lorax.dev/cluster/state"
	"lorax.dev/cluster/storage"
)

// Name is the node's name.
const Name = "lorax"

// Plan is what the cluster shall be.
type Plan struct {
	Folder         state.Folder
	ContainerdRoot string
	Images         []string
	Devices        int
	Audit          bool
}

type node struct {
	processes
	containerdRoot string
	images         []string
	devices        int
	audit          bool
	client         kubernetes.Interface
	started        time.Time
}

// Run brings the cluster up, says "ready" through the callback and returns only when some part of
// it fails. The listener's connections reach the API server.
func Run(ctx context.Context, plan Plan, listener net.Listener, progress func(string), ready func()) error {
	n := &node{
		processes:      processes{folder: plan.Folder, ended: make(chan error, 16)},
		containerdRoot: plan.ContainerdRoot, images: plan.Images, devices: plan.Devices, audit: plan.Audit,
		started: time.Now(),
	}
	go func() { n.ended <- network.Forward(listener) }()
	up := make(chan error, 1)
	go func() { up <- n.up(ctx, progress) }()
	select {
	case err := <-n.ended:
		return err
	case err := <-up:
		if err != nil {
			return err
		}
	}
	ready()
	return <-n.ended
}

// up starts the parts in the order in which they need each other. The images are imported while
// the control plane starts.
func (n *node) up(ctx context.Context, progress func(string)) error {
	if err := n.prepare(); err != nil {
		return err
	}
	images := make(chan error, 1)
	go func() { images <- n.runContainerd(ctx, progress) }()
	if err := timed(progress, "control plane", func() error { return n.runControlPlane(ctx) }); err != nil {
		return err
	}
	if err := <-images; err != nil {
		return err
	}
	return timed(progress, "node", func() error { return n.runNode(ctx) })
}

func (n *node) prepare() error {
	if err := mountPrivately(n.folder); err != nil {
		return err
	}
	if err := network.Configure(); err != nil {
		return err
	}
	if err := writePartConfigs(n.folder); err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", partConfig(n.folder, "admin"))
	if err != nil {
		return err
	}
	n.client, err = kubernetes.NewForConfig(config)
	return err
}

func (n *node) runContainerd(ctx context.Context, progress func(string)) error {
	if err := n.startContainerd(ctx); err != nil {
		return err
	}
	pause := n.folder.Path("config", "pause.tar")
	if err := image.WritePause("/bin/busybox", pause); err != nil {
		return err
	}
	store, err := image.Connect(n.folder.ContainerdSocket())
	if err != nil {
		return err
	}
	return store.ImportAll(ctx, append([]string{pause}, n.images...), progress)
}

func (n *node) runControlPlane(ctx context.Context) error {
	if err := n.startEtcd(); err != nil {
		return err
	}
	if err := n.startAPIServer(); err != nil {
		return err
	}
	err := eventually(ctx, time.Minute, func() error { return apiServerReady(ctx, n.client) })
	if err != nil {
		return err
	}
	return n.startControllers()
}

func (n *node) runNode(ctx context.Context) error {
	for _, start := range []func() error{
		n.startKubelet, n.startProxy,
		func() error { return dns.Serve(ctx, n.client, network.Node) },
		func() error { return storage.Run(ctx, n.client, n.folder.Path("volumes"), Name) },
		func() error { return device.Advertise(ctx, n.devices) },
	} {
		if err := start(); err != nil {
			return err
		}
	}
	return eventually(ctx, time.Minute, func() error { return n.ready(ctx) })
}

// ready also waits for the service account without which no pod can be created.
func (n *node) ready(ctx context.Context) error {
	if _, err := n.client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{}); err != nil {
		return err
	}
	found, err := n.client.CoreV1().Nodes().Get(ctx, Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	for _, condition := range found.Status.Conditions {
		// A node of a resumed cluster was ready once; only this kubelet's word counts.
		fresh := condition.LastHeartbeatTime.After(n.started)
		if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue && fresh {
			return nil
		}
	}
	return fmt.Errorf("node %s is not ready; its log is %s", Name, n.folder.Path("logs", "kubelet.log"))
}

// eventually repeats an attempt until it succeeds; its last error tells why it never did.
func eventually(ctx context.Context, limit time.Duration, attempt func() error) error {
	for deadline := time.Now().Add(limit); ; time.Sleep(100 * time.Millisecond) {
		err := attempt()
		if err == nil || ctx.Err() != nil || time.Now().After(deadline) {
			return err
		}
	}
}

func timed(progress func(string), name string, work func() error) error {
	begin := time.Now()
	err := work()
	if err == nil {
		progress(fmt.Sprintf("%s: %.1f s", name, time.Since(begin).Seconds()))
	}
	return err
}
