// Package part holds the programs of Kubernetes that are linked into this one.
package part

import (
	"context"
	"os"
	"sort"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"          // --logging-format=json
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // client metrics of each part
	_ "k8s.io/component-base/metrics/prometheus/version"  // build information as a metric
	kubectl "k8s.io/kubectl/pkg/cmd"
	kubectlerror "k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	kubeproxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

// Each part is a whole command line program, as its own project builds it.
var parts = map[string]func(args []string) int{
	"etcd":                    runEtcd,
	"kube-apiserver":          withCommand(apiserver.NewAPIServerCommand),
	"kube-controller-manager": withCommand(controllermanager.NewControllerManagerCommand),
	"kube-scheduler":          withCommand(func() *cobra.Command { return scheduler.NewSchedulerCommand() }),
	"kubelet":                 withCommand(func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) }),
	"kube-proxy":              withCommand(kubeproxy.NewProxyCommand),
	"kubectl":                 runKubectl,
}

// Known tells whether a part has this name.
func Known(name string) bool {
	_, found := parts[name]
	return found
}

// Names lists the parts in order.
func Names() []string {
	names := make([]string, 0, len(parts))
	for name := range parts {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Run is the part's main function; args are those after its name. It returns the exit status.
func Run(name string, args []string) int {
	// The parts read os.Args themselves, so they must see what they would see as programs.
	os.Args = append([]string{name}, args...)
	return parts[name](args)
}

func withCommand(create func() *cobra.Command) func([]string) int {
	return func(args []string) int {
		command := create()
		command.SetArgs(args)
		return cli.Run(command)
	}
}

func runKubectl([]string) int {
	if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
		kubectlerror.CheckErr(err)
	}
	return 0
}

func runEtcd(args []string) int {
	etcdmain.Main(append([]string{"etcd"}, onLoopback(args)...))
	return 0
}
