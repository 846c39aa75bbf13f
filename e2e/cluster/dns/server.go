// Package dns answers the names of services and of the pods behind headless ones.
package dns

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// One datagram holds a question and is answered with as much as fits in what every client takes.
const datagram = 1232

// Serve answers on port 53 of the address, over both transports, until the context ends. It
// returns once it answers.
func Serve(ctx context.Context, client kubernetes.Interface, address string) error {
	factory := informers.NewSharedInformerFactory(client, 0)
	services := factory.Core().V1().Services()
	slices := factory.Discovery().V1().EndpointSlices()
	zone := &zone{services: services.Lister(), slices: slices.Lister()}
	synced := []cache.InformerSynced{services.Informer().HasSynced, slices.Informer().HasSynced}
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), synced...) {
		return fmt.Errorf("dns: %w", ctx.Err())
	}
	packets, err := net.ListenPacket("udp", net.JoinHostPort(address, "53"))
	if err != nil {
		return fmt.Errorf("dns: %w", err)
	}
	streams, err := net.Listen("tcp", net.JoinHostPort(address, "53"))
	if err != nil {
		return fmt.Errorf("dns: %w", err)
	}
	context.AfterFunc(ctx, func() { _ = packets.Close(); _ = streams.Close() })
	go zone.servePackets(packets)
	go zone.serveStreams(streams)
	return nil
}

func (z *zone) servePackets(packets net.PacketConn) {
	buffer := make([]byte, datagram)
	for {
		size, from, err := packets.ReadFrom(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		if reply, err := z.reply(buffer[:size], datagram); err == nil {
			_, _ = packets.WriteTo(reply, from)
		}
	}
}

func (z *zone) serveStreams(streams net.Listener) {
	for {
		stream, err := streams.Accept()
		if err != nil {
			return
		}
		go z.serveStream(stream)
	}
}

// serveStream answers questions that each follow their length (RFC 1035, 4.2.2).
func (z *zone) serveStream(stream net.Conn) {
	defer stream.Close()
	for {
		_ = stream.SetDeadline(time.Now().Add(10 * time.Second))
		var length [2]byte
		if _, err := io.ReadFull(stream, length[:]); err != nil {
			return
		}
		question := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(stream, question); err != nil {
			return
		}
		reply, err := z.reply(question, 0xffff)
		if err != nil {
			return
		}
		framed := binary.BigEndian.AppendUint16(nil, uint16(len(reply)))
		if _, err := stream.Write(append(framed, reply...)); err != nil {
			return
		}
	}
}

// reply packs the answer to a packed question; one that is too long says only that it is.
func (z *zone) reply(packed []byte, limit int) ([]byte, error) {
	var message dnsmessage.Message
	if err := message.Unpack(packed); err != nil || len(message.Questions) != 1 || message.Response {
		return nil, fmt.Errorf("not one question: %w", err)
	}
	question := message.Questions[0]
	answer := z.answer(question)
	reply := dnsmessage.Message{
		Header: dnsmessage.Header{
			ID: message.ID, Response: true, Authoritative: true, RecursionDesired: message.RecursionDesired,
			RecursionAvailable: true, RCode: answer.code,
		},
		Questions: message.Questions,
		Answers:   answer.records(question),
	}
	text, err := reply.Pack()
	if err == nil && len(text) > limit {
		reply.Truncated, reply.Answers = true, nil
		return reply.Pack()
	}
	return text, err
}
