package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const cgroupRoot = "/sys/fs/cgroup"

// MakeCgroups creates the parent of the pods' groups: in each controller's tree on a version 1
// machine, in the one tree on a version 2 machine.
func (f Folder) MakeCgroups() error {
	if unified() {
		return f.makeUnifiedCgroup()
	}
	for _, tree := range cgroupTrees() {
		group := filepath.Join(tree, f.Cgroup())
		if err := os.MkdirAll(group, 0o755); err != nil {
			return err
		}
		// A cpuset group starts empty and takes no process until it has CPUs and memory nodes.
		for _, name := range []string{"cpuset.cpus", "cpuset.mems"} {
			value, err := os.ReadFile(filepath.Join(tree, name))
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err == nil {
				err = os.WriteFile(filepath.Join(group, name), value, 0o644)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (f Folder) makeUnifiedCgroup() error {
	available, err := os.ReadFile(filepath.Join(cgroupRoot, "cgroup.controllers"))
	if err != nil {
		return err
	}
	enable := "+" + strings.Join(strings.Fields(string(available)), " +")
	if err := os.WriteFile(filepath.Join(cgroupRoot, "cgroup.subtree_control"), []byte(enable), 0o644); err != nil {
		return fmt.Errorf("cgroup controllers cannot be handed to pods (%s): %w", enable, err)
	}
	return os.MkdirAll(filepath.Join(cgroupRoot, f.Cgroup()), 0o755)
}

// RemoveCgroups removes the groups that MakeCgroups and the kubelet made. Their processes have
// been told to end; the kernel empties the groups a moment later.
func (f Folder) RemoveCgroups() error {
	var failed error
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		failed = nil
		for _, tree := range cgroupTrees() {
			failed = errors.Join(failed, removeGroup(filepath.Join(tree, f.Cgroup())))
		}
		if failed == nil {
			return nil
		}
	}
	return fmt.Errorf("cgroups of the cluster remain: %w", failed)
}

// removeGroup removes a group from its leaves up; only folders can be removed there.
func removeGroup(group string) error {
	var groups []string
	err := filepath.WalkDir(group, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			groups = append(groups, path)
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, path := range slices.Backward(groups) {
		if removal := os.Remove(path); removal != nil && !errors.Is(removal, fs.ErrNotExist) {
			err = errors.Join(err, removal)
		}
	}
	return err
}

func unified() bool {
	_, err := os.Stat(filepath.Join(cgroupRoot, "cgroup.controllers"))
	return err == nil
}

func cgroupTrees() []string {
	if unified() {
		return []string{cgroupRoot}
	}
	files, _ := filepath.Glob(filepath.Join(cgroupRoot, "*", "cgroup.procs"))
	trees := make([]string, len(files))
	for i, file := range files {
		trees[i] = filepath.Dir(file)
	}
	return trees
}
