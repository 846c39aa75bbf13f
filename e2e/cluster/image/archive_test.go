package image

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestThePauseArchiveNamesItsImage(t *testing.T) {
	folder := t.TempDir()
	busybox := filepath.Join(folder, "busybox")
	if err := os.WriteFile(busybox, []byte("a program"), 0o755); err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(folder, "pause.tar")
	if err := WritePause(busybox, archive); err != nil {
		t.Fatal(err)
	}

	contents, err := Read(archive)

	if err != nil || len(contents) != 1 {
		t.Fatalf("got %v, %v; want one image", contents, err)
	}
	if got := contents[0]; got.Names[0] != Pause || len(got.ID) != len("sha256:")+64 {
		t.Errorf("got %+v, want %s and a digest", got, Pause)
	}
}

func TestAnArchiveWithoutManifestIsRefused(t *testing.T) {
	archive := filepath.Join(t.TempDir(), "layer.tar")
	if err := os.WriteFile(archive, pack(file{"etc/hostname", 0o644, []byte("lorax")}), 0o644); err != nil {
		t.Fatal(err)
	}

	_, err := Read(archive)

	if err == nil || !strings.Contains(err.Error(), "no manifest.json") {
		t.Errorf("got %v, want that manifest.json is missing", err)
	}
}

func TestEitherWayOfNamingTheConfigurationGivesItsDigest(t *testing.T) {
	digest := strings.Repeat("ab", 32)
	for _, config := range []string{digest + ".json", "blobs/sha256/" + digest} {
		text := `[{"Config": "` + config + `", "RepoTags": ["docker.io/lorax/router:0.1.0"]}]`

		got, err := contents("router.tar", strings.NewReader(text))

		if err != nil || got[0].ID != "sha256:"+digest {
			t.Errorf("%s: got %v, %v; want sha256:%s", config, got, err, digest)
		}
	}
}
