// Peers of calls that only carry packets: they are real ones (ICE, DTLS, SRTP, RTCP), and send what was encoded long ago, so that a machine
// can hold as many as its Janus can. A page decodes and encodes, which costs some thirty times as much.
//
// It is told what to do by lines of JSON on its standard input, and answers each by one line:
//
//	{"n":1,"do":"offer","id":"a"}             -> {"n":1,"sdp":"..."}   a device that sends: an offer with its candidates
//	{"n":2,"do":"agreed","id":"a","sdp":".."} -> {"n":2}               the answer to it: it sends from then on
//	{"n":3,"do":"take","id":"a","sdp":"..."}  -> {"n":3,"sdp":"..."}   an offer to it: it receives
//	{"n":4,"do":"figures"}                    -> {"n":4,"figures":{}}  what was counted since the last time
//	{"n":5,"do":"close","id":"a"}             -> {"n":5}
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

const (
	tick          = 20 * time.Millisecond // a packet of sound (RFC 7587)
	ticksAPicture = 2                     // 25 pictures a second
	soundBytes    = 80                    // 32 kbit/s
	mostBytes     = 1100
	timeAt        = 2 // where in a payload it says when it was sent: behind VP8's descriptor (RFC 7741 §4.2) and the first byte of a frame
	kept          = 16
)

var began = time.Now()

type order struct {
	N   int    `json:"n"`
	Do  string `json:"do"`
	ID  string `json:"id"`
	SDP string `json:"sdp"`
}

type answer struct {
	N       int      `json:"n"`
	SDP     string   `json:"sdp,omitempty"`
	Error   string   `json:"error,omitempty"`
	Figures *figures `json:"figures,omitempty"`
}

// What was counted: packets, and how long they were under way, in milliseconds.
type figures struct {
	Sent     int64   `json:"sent"`
	Received int64   `json:"received"`
	Lost     int64   `json:"lost"`
	Tracks   int     `json:"tracks"`
	DelayP50 float64 `json:"delayP50"`
	DelayP99 float64 `json:"delayP99"`
}

// One track that is received.
type heard struct {
	received int64
	highest  int64 // sequence number, extended (RFC 3550 §A.1)
	before   int64
	delays   []float32
}

type device struct {
	sends    *webrtc.PeerConnection
	receives *webrtc.PeerConnection
	sound    *webrtc.TrackLocalStaticRTP
	picture  *webrtc.TrackLocalStaticRTP
	done     chan struct{}
}

type house struct {
	api     *webrtc.API
	kbps    int
	sent    atomic.Int64
	mu      sync.Mutex
	devices map[string]*device
	heard   map[*heard]struct{}
}

func main() {
	kbps := flag.Int("kbps", 500, "of each picture")
	flag.Parse()
	h, err := newHouse(*kbps)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var out sync.Mutex
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return // whoever told it what to do is gone
		}
		var o order
		if err := json.Unmarshal(line, &o); err != nil {
			fmt.Fprintln(os.Stderr, "not JSON:", err)
			continue
		}
		go func() {
			said := h.obey(o)
			text, _ := json.Marshal(said)
			out.Lock()
			defer out.Unlock()
			os.Stdout.Write(append(text, '\n'))
		}()
	}
}

func newHouse(kbps int) (*house, error) {
	media := &webrtc.MediaEngine{}
	if err := media.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	// As browsers do: reports, packets that are asked for again, and numbers by which Janus says when each came.
	registry := &interceptor.Registry{}
	for _, configure := range []func() error{
		func() error { return webrtc.ConfigureRTCPReports(registry) },
		func() error { return webrtc.ConfigureNack(media, registry) },
		func() error { return webrtc.ConfigureTWCCHeaderExtensionSender(media, registry) },
	} {
		if err := configure(); err != nil {
			return nil, err
		}
	}
	var settings webrtc.SettingEngine
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	api := webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithSettingEngine(settings), webrtc.WithInterceptorRegistry(registry))
	return &house{api: api, kbps: kbps, devices: map[string]*device{}, heard: map[*heard]struct{}{}}, nil
}

func (h *house) obey(o order) answer {
	said := answer{N: o.N}
	var err error
	switch o.Do {
	case "offer":
		said.SDP, err = h.offer(o.ID)
	case "agreed":
		err = h.agreed(h.of(o.ID), o.SDP)
	case "take":
		said.SDP, err = h.take(h.of(o.ID), o.SDP)
	case "figures":
		said.Figures = h.figures()
	case "close":
		h.close(o.ID)
	default:
		err = fmt.Errorf("nobody knows how to %s", o.Do)
	}
	if err != nil {
		said.Error = err.Error()
	}
	return said
}

func (h *house) of(id string) *device {
	h.mu.Lock()
	defer h.mu.Unlock()
	d := h.devices[id]
	if d == nil {
		d = &device{done: make(chan struct{})}
		h.devices[id] = d
	}
	return d
}

func (h *house) offer(id string) (string, error) {
	d := h.of(id)
	peer, err := h.api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return "", err
	}
	d.sends = peer
	if d.sound, err = h.track(peer, webrtc.MimeTypeOpus, "sound"); err != nil {
		return "", err
	}
	if d.picture, err = h.track(peer, webrtc.MimeTypeVP8, "picture"); err != nil {
		return "", err
	}
	offer, err := peer.CreateOffer(nil)
	if err != nil {
		return "", err
	}
	return described(peer, offer)
}

func (h *house) track(peer *webrtc.PeerConnection, mime, name string) (*webrtc.TrackLocalStaticRTP, error) {
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime}, name, "camera")
	if err != nil {
		return nil, err
	}
	transceiver, err := peer.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		return nil, err
	}
	go func() { // what is not read piles up
		buffer := make([]byte, 1500)
		for {
			if _, _, err := transceiver.Sender().Read(buffer); err != nil {
				return
			}
		}
	}()
	return track, nil
}

// Describes this end, with all of its candidates.
func described(peer *webrtc.PeerConnection, own webrtc.SessionDescription) (string, error) {
	gathered := webrtc.GatheringCompletePromise(peer)
	if err := peer.SetLocalDescription(own); err != nil {
		return "", err
	}
	<-gathered
	return peer.LocalDescription().SDP, nil
}

func (h *house) agreed(d *device, sdp string) error {
	if err := d.sends.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: sdp}); err != nil {
		return err
	}
	var once sync.Once
	begin := func() { once.Do(func() { go h.send(d) }) }
	d.sends.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateConnected {
			begin()
		}
	})
	if d.sends.ConnectionState() == webrtc.PeerConnectionStateConnected {
		begin()
	}
	return nil
}

func (h *house) take(d *device, sdp string) (string, error) {
	if d.receives == nil {
		peer, err := h.api.NewPeerConnection(webrtc.Configuration{})
		if err != nil {
			return "", err
		}
		peer.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { h.listen(track) })
		d.receives = peer
	}
	if err := d.receives.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: sdp}); err != nil {
		return "", err
	}
	own, err := d.receives.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	return described(d.receives, own)
}

// Sends sound and picture at even times, as an encoder does, from a moment of its own.
func (h *house) send(d *device) {
	time.Sleep(time.Duration(time.Now().UnixNano()) % tick)
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	bytesAPicture := h.kbps * 1000 / 8 * int(tick*ticksAPicture/time.Millisecond) / 1000
	packets := (bytesAPicture + mostBytes - 1) / mostBytes
	payload := make([]byte, max(bytesAPicture/packets, soundBytes))
	sound := rtp.Packet{Header: rtp.Header{Version: 2}, Payload: payload[:soundBytes]}
	picture := rtp.Packet{Header: rtp.Header{Version: 2}, Payload: payload[:bytesAPicture/packets]}
	for ticks := uint32(0); ; ticks++ {
		select {
		case <-d.done:
			return
		case <-ticker.C:
		}
		payload[0], payload[1] = 0, 1
		binary.BigEndian.PutUint64(payload[timeAt:], uint64(time.Since(began)))
		sound.SequenceNumber++
		sound.Timestamp += 960
		if d.sound.WriteRTP(&sound) == nil {
			h.sent.Add(1)
		}
		if ticks%ticksAPicture != 0 {
			continue
		}
		picture.Timestamp += 90 * uint32(tick*ticksAPicture/time.Millisecond)
		for index := range packets {
			payload[0] = 0
			if index == 0 {
				payload[0] = 0x10
			}
			picture.SequenceNumber++
			picture.Marker = index == packets-1
			if d.picture.WriteRTP(&picture) == nil {
				h.sent.Add(1)
			}
		}
	}
}

func (h *house) listen(track *webrtc.TrackRemote) {
	own := &heard{highest: -1}
	h.mu.Lock()
	h.heard[own] = struct{}{}
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		delete(h.heard, own)
		h.mu.Unlock()
	}()
	buffer := make([]byte, 1500)
	var packet rtp.Packet
	for {
		size, _, err := track.Read(buffer)
		if err != nil {
			return
		}
		now := time.Since(began)
		if packet.Unmarshal(buffer[:size]) != nil || len(packet.Payload) < timeAt+8 {
			continue
		}
		h.mu.Lock()
		own.note(packet.SequenceNumber, now-time.Duration(binary.BigEndian.Uint64(packet.Payload[timeAt:])))
		h.mu.Unlock()
	}
}

func (t *heard) note(number uint16, delay time.Duration) {
	if t.highest < 0 {
		t.highest = int64(number)
		t.before = t.highest
		return
	}
	if ahead := int16(number - uint16(t.highest)); ahead > 0 {
		t.highest += int64(ahead)
	}
	t.received++
	if t.received%kept == 0 {
		t.delays = append(t.delays, float32(delay)/float32(time.Millisecond))
	}
}

func (h *house) figures() *figures {
	h.mu.Lock()
	defer h.mu.Unlock()
	told := &figures{Sent: h.sent.Swap(0), Tracks: len(h.heard)}
	var delays []float32
	for track := range h.heard {
		told.Received += track.received
		told.Lost += max(0, track.highest-track.before-track.received)
		delays = append(delays, track.delays...)
		track.received, track.before, track.delays = 0, track.highest, track.delays[:0]
	}
	slices.Sort(delays)
	if count := len(delays); count > 0 {
		told.DelayP50, told.DelayP99 = float64(delays[count/2]), float64(delays[count*99/100])
	}
	return told
}

func (h *house) close(id string) {
	h.mu.Lock()
	d := h.devices[id]
	delete(h.devices, id)
	h.mu.Unlock()
	if d == nil {
		return
	}
	close(d.done)
	for _, peer := range []*webrtc.PeerConnection{d.sends, d.receives} {
		if peer != nil {
			peer.Close()
		}
	}
}
