package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is one that runs or ran. The start time tells it from a later one with the same id.
type Process struct {
	ID      int    `json:"id"`
	Started string `json:"started"`
}

// Runners are the processes that hold a cluster: Parent lives on the machine, Init is the first
// process of the cluster's namespaces. With either gone, nothing of the cluster runs.
type Runners struct {
	Parent Process `json:"parent"`
	Init   Process `json:"init"`
}

// Observe identifies a running process.
func Observe(id int) (Process, error) {
	_, started, err := status(id)
	return Process{ID: id, Started: started}, err
}

// Alive tells whether the process still runs; one that only waits to be collected does not.
func (p Process) Alive() bool {
	if p.ID <= 0 {
		return false
	}
	phase, started, err := status(p.ID)
	return err == nil && started == p.Started && phase != "Z" && phase != "X"
}

// End stops the process: politely first, then by force when it has not gone within the grace.
func (p Process) End(grace time.Duration) error {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		if !p.Alive() {
			return nil
		}
		if err := syscall.Kill(p.ID, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("process %d: %w", p.ID, err)
		}
		if p.wait(grace) {
			return nil
		}
	}
	return fmt.Errorf("process %d still runs %s after SIGKILL", p.ID, grace)
}

func (p Process) wait(limit time.Duration) bool {
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if !p.Alive() {
			return true
		}
	}
	return !p.Alive()
}

// Write records who runs the cluster.
func (f Folder) Write(runners Runners) error {
	text, err := json.Marshal(runners)
	if err != nil {
		return err
	}
	return os.WriteFile(f.Path("runners.json"), text, 0o644)
}

// Runners reads who runs the cluster; the zero value when nobody ever did.
func (f Folder) Runners() (Runners, error) {
	text, err := os.ReadFile(f.Path("runners.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return Runners{}, nil
	}
	if err != nil {
		return Runners{}, err
	}
	var runners Runners
	if err := json.Unmarshal(text, &runners); err != nil {
		return Runners{}, fmt.Errorf("%s: %w", f.Path("runners.json"), err)
	}
	return runners, nil
}

// status reads the phase and the start time of a process (proc(5), fields 3 and 22 of stat).
func status(id int) (phase, started string, err error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(id) + "/stat")
	if err != nil {
		return "", "", err
	}
	_, rest, found := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if !found || len(fields) < 20 {
		return "", "", fmt.Errorf("process %d: cannot read its status", id)
	}
	return fields[0], fields[19], nil
}
