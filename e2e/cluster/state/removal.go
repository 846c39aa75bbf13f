package state

import (
	"fmt"
	"os"
	"strings"
	"time"
)

const grace = 15 * time.Second

// Remove ends the cluster if it runs and removes all that it left. Removing twice is no error.
func (f Folder) Remove() error {
	if err := f.mustBeOurs(); err != nil {
		return err
	}
	if err := f.End(); err != nil {
		return err
	}
	mounted, err := f.mountsInside()
	if err != nil {
		return err
	}
	if len(mounted) > 0 {
		return fmt.Errorf("state folder %s has mounts in it: %s", f, strings.Join(mounted, ", "))
	}
	return os.RemoveAll(string(f))
}

// End stops every process of the cluster and removes its control groups; its objects stay.
func (f Folder) End() error {
	runners, err := f.Runners()
	if err != nil {
		return err
	}
	if err := runners.Parent.End(grace); err != nil {
		return err
	}
	if err := runners.Init.End(grace); err != nil {
		return err
	}
	return f.RemoveCgroups()
}

// mountsInside guards the removal: what is mounted below the folder is not ours to delete.
func (f Folder) mountsInside() ([]string, error) {
	text, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil, err
	}
	var inside []string
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) > 1 && strings.HasPrefix(fields[1], string(f)+"/") {
			inside = append(inside, fields[1])
		}
	}
	return inside, nil
}
