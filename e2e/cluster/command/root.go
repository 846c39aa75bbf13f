// Package command is the command line of lorax-cluster.
package command

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"lorax.dev/cluster/part"
	"lorax.dev/cluster/state"
)

// Root is the whole command line.
func Root() *cobra.Command {
	root := &cobra.Command{
		Use:   "lorax-cluster",
		Short: "A Kubernetes of one node in one program, for tests and demos",
		Long: "A Kubernetes of one node in one program, for tests and demos.\n\nLinked in, by verb or by a " +
			"symbolic link of that name: " + strings.Join(part.Names(), ", ") + ".",
		SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.AddCommand(upCommand(), downCommand(), loadCommand(), enterCommand(), linkCommand(), cleanCommand(),
		initCommand(), nodeCommand())
	return root
}

// stateFlag adds the flag that names the cluster.
func stateFlag(command *cobra.Command) *string {
	path := command.Flags().String("state", "", "the cluster's folder")
	if err := command.MarkFlagRequired("state"); err != nil {
		panic(err) // The flag was added a line above.
	}
	return path
}

// running is the state of a cluster that runs.
func running(path string) (state.Folder, state.Runners, error) {
	folder, err := state.At(path)
	if err != nil {
		return "", state.Runners{}, err
	}
	runners, err := folder.Runners()
	if err == nil && !runners.Init.Alive() {
		err = fmt.Errorf("no cluster runs with the state %s; start one with lorax-cluster up --state %s", folder, folder)
	}
	return folder, runners, err
}

func mustBeRoot() error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("root is needed for namespaces, mounts and control groups; run as root")
	}
	return nil
}
