package state

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestRemoveRefusesAFolderThatIsNoState(t *testing.T) {
	folder := at(t, t.TempDir())
	precious := folder.Path("letters.txt")
	if err := os.WriteFile(precious, []byte("dear"), 0o644); err != nil {
		t.Fatal(err)
	}

	err := folder.Remove()

	if err == nil || !strings.Contains(err.Error(), "not the state of a cluster") {
		t.Errorf("got %v, want a refusal", err)
	}
	if _, err := os.Stat(precious); err != nil {
		t.Errorf("the file is gone: %v", err)
	}
}

func TestRemoveEndsTheRunnersAndMayBeRepeated(t *testing.T) {
	folder := at(t, filepath.Join(t.TempDir(), "state"))
	if err := folder.Make(); err != nil {
		t.Fatal(err)
	}
	parent := sleeping(t)
	if err := folder.Write(Runners{Parent: parent}); err != nil {
		t.Fatal(err)
	}

	for range 2 {
		if err := folder.Remove(); err != nil {
			t.Fatal(err)
		}
	}

	if parent.Alive() {
		t.Error("the parent still runs")
	}
	if _, err := os.Stat(string(folder)); !os.IsNotExist(err) {
		t.Errorf("the folder is still there: %v", err)
	}
}

func TestAProcessIsNotMistakenForALaterOneWithItsID(t *testing.T) {
	process := sleeping(t)

	later := Process{ID: process.ID, Started: process.Started + "0"}

	if !process.Alive() || later.Alive() {
		t.Errorf("alive: process %t, later one %t; want true, false", process.Alive(), later.Alive())
	}
	if err := later.End(time.Second); err != nil || !process.Alive() {
		t.Errorf("ending the later one: %v, process alive %t; want no error, true", err, process.Alive())
	}
}

func TestAPathTooLongForSocketsIsRefused(t *testing.T) {
	_, err := At("/" + strings.Repeat("a", 100))

	if err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("got %v, want a refusal of the length", err)
	}
}

func at(t *testing.T, path string) Folder {
	t.Helper()
	folder, err := At(path)
	if err != nil {
		t.Skipf("temporary folders are too deep here: %v", err)
	}
	return folder
}

func sleeping(t *testing.T) Process {
	t.Helper()
	command := exec.Command("sleep", "60")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	t.Cleanup(func() {
		_ = command.Process.Kill()
		<-ended
	})
	process, err := Observe(command.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	return process
}
