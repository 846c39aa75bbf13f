package command

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"lorax.dev/cluster/image"
	"lorax.dev/cluster/network"
	"lorax.dev/cluster/state"
)

// Version is that of Kubernetes; the build sets it from the module's requirements.
var Version = "unknown"

func downCommand() *cobra.Command {
	command := &cobra.Command{Use: "down", Short: "End a cluster and remove all that it left", Args: cobra.NoArgs}
	path := stateFlag(command)
	command.RunE = func(*cobra.Command, []string) error {
		folder, err := state.At(*path)
		if err != nil {
			return err
		}
		return folder.Remove()
	}
	return command
}

func loadCommand() *cobra.Command {
	command := &cobra.Command{Use: "load", Short: "Import image archives into a running cluster", Args: cobra.NoArgs}
	path := stateFlag(command)
	images := command.Flags().StringSlice("images", nil, "docker-archive files")
	command.RunE = func(command *cobra.Command, _ []string) error {
		folder, _, err := running(*path)
		if err != nil {
			return err
		}
		store, err := image.Connect(folder.ContainerdSocket())
		if err != nil {
			return err
		}
		return store.ImportAll(command.Context(), *images, say)
	}
	return command
}

func enterCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "enter -- COMMAND [ARGUMENT...]", Short: "Run a command in the cluster's network",
		Args: cobra.MinimumNArgs(1),
	}
	path := stateFlag(command)
	command.RunE = func(_ *cobra.Command, args []string) error {
		_, runners, err := running(*path)
		if err != nil {
			return err
		}
		return network.Enter(runners.Init.ID, args)
	}
	return command
}

func linkCommand() *cobra.Command {
	return &cobra.Command{
		Use: "link FOLDER", Short: "Lay out the linked programs as fabric8's kube-api-test expects them",
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return link(args[0]) },
	}
}

func link(root string) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	folder := filepath.Join(root, "k8s", Version+"-linux-amd64")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"etcd", "kube-apiserver", "kubectl"} {
		path := filepath.Join(folder, name)
		if err := errors.Join(ignoring(os.Remove(path), os.ErrNotExist), os.Symlink(program, path)); err != nil {
			return err
		}
	}
	say(folder)
	return nil
}

func cleanCommand() *cobra.Command {
	return &cobra.Command{
		Use: "clean", Short: "Remove the images kept between clusters", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			store, err := lockStore()
			if err != nil {
				return err
			}
			if store == nil {
				return errors.New("a running cluster uses the images; take it down first")
			}
			defer store.Close()
			return os.RemoveAll(storePath(store))
		},
	}
}

func ignoring(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}

func say(line string) { fmt.Println(line) }
