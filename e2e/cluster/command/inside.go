package command

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"

	"github.com/spf13/cobra"

	"lorax.dev/cluster/node"
)

// The API server's listener, inherited from the machine's network namespace.
const listenerDescriptor = 3

// initCommand is the first process of the cluster's namespaces. It collects the processes whose
// parents have gone, as every first process must; with its end the kernel ends all others.
func initCommand() *cobra.Command {
	return &cobra.Command{
		Use: "init PLAN", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := syscall.Sethostname([]byte(node.Name)); err != nil {
				return err
			}
			command := exec.Command("/proc/self/exe", "node", args[0])
			command.Stdout, command.Stderr = os.Stdout, os.Stderr
			command.ExtraFiles = []*os.File{os.NewFile(listenerDescriptor, "listener")}
			if err := command.Start(); err != nil {
				return err
			}
			return collectUntil(command.Process.Pid)
		},
	}
}

func collectUntil(process int) error {
	for {
		var status syscall.WaitStatus
		ended, err := syscall.Wait4(-1, &status, 0, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		if ended == process {
			os.Exit(status.ExitStatus())
		}
	}
}

func nodeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "node PLAN", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			var plan node.Plan
			if err := json.Unmarshal([]byte(args[0]), &plan); err != nil {
				return err
			}
			listener, err := net.FileListener(os.NewFile(listenerDescriptor, "listener"))
			if err != nil {
				return fmt.Errorf("inherited listener: %w", err)
			}
			ready := func() { say(readyPrefix + plan.Folder.Kubeconfig()) }
			return node.Run(context.Background(), plan, listener, say, ready)
		},
	}
}
