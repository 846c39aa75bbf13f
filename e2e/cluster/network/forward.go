package network

import (
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
)

// Forward hands each connection of a listener, which may belong to another network namespace, to
// the API server. It returns when the listener fails.
func Forward(listener net.Listener) error {
	target := net.JoinHostPort("127.0.0.1", strconv.Itoa(APIPort))
	for {
		outside, err := listener.Accept()
		if err != nil {
			return fmt.Errorf("forward to the API server: %w", err)
		}
		go join(outside, target)
	}
}

func join(outside net.Conn, target string) {
	defer outside.Close()
	inside, err := net.Dial("tcp", target)
	if err != nil {
		return // The client sees a closed connection, as it would of an API server that is down.
	}
	defer inside.Close()
	var both sync.WaitGroup
	both.Add(2)
	go pass(&both, inside.(*net.TCPConn), outside)
	go pass(&both, outside.(*net.TCPConn), inside)
	both.Wait()
}

// pass copies one direction and closes it, so that the other may go on until it ends by itself.
func pass(both *sync.WaitGroup, to *net.TCPConn, from io.Reader) {
	defer both.Done()
	_, _ = io.Copy(to, from)
	_ = to.CloseWrite()
}
