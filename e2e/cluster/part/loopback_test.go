package part

import (
	"slices"
	"testing"
)

func TestEtcdListensOnLoopbackOnly(t *testing.T) {
	given := []string{
		"--listen-client-urls", "http://0.0.0.0:2379,http://0.0.0.0:2380",
		"--advertise-client-urls=http://0.0.0.0:2379",
		"--name", "0.0.0.0",
	}
	want := []string{
		"--listen-client-urls", "http://127.0.0.1:2379,http://127.0.0.1:2380",
		"--advertise-client-urls=http://127.0.0.1:2379",
		"--name", "0.0.0.0",
	}
	if got := onLoopback(given); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
