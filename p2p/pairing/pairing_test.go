package pairing

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestPairing(t *testing.T) {
	for _, tt := range []struct {
		name   string
		pw     func(Offer) Password
		method Method
	}{
		{"code", func(o Offer) Password { return o.Code }, MethodCode},
		{"link", func(o Offer) Password {
			text, err := o.Link().Reveal()
			if err != nil {
				t.Fatal(err)
			}
			l, err := ParseLink(text)
			if err != nil {
				t.Fatal(err)
			}
			return l
		}, MethodLink},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := openDesk(t, 1)
				var last Key
				for range 2 {
					out := plain(d, tt.pw(offer(t, d))).meet()
					if out.errI != nil || out.errR != nil {
						t.Fatalf("%v, %v", out.errI, out.errR)
					}
					if out.i.Peer != newPhone || out.r.Peer != oldPhone || out.i.Method != tt.method || out.r.Method != tt.method {
						t.Errorf("%v, %v", out.i, out.r)
					}
					if !out.i.Key.Equal(out.r.Key) || len(out.i.Key.Bytes()) != KeySize {
						t.Error("the keys differ")
					}
					if bytes.Equal(out.i.Key.Bytes(), make([]byte, KeySize)) || out.i.Key.Equal(last) {
						t.Error("the key is not fresh")
					}
					last = out.i.Key
				}
			})
		})
	}
}

// The link's secret is no code and a code no link's secret.
func TestMethodsDoNotMix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDesk(t, 1)
		o := offer(t, d)
		for _, pw := range []Password{
			Code{o.Secret.hidden},
			Link{Device: newPhone, Secret: Secret{o.Code.hidden}},
		} {
			if out := plain(d, pw).meet(); !errors.As(out.errI, new(*WrongCodeError)) {
				t.Errorf("%T: %v", pw, out.errI)
			}
		}
	})
}

// recorder keeps the messages of a run, each side's apart and all in order.
type recorder struct {
	mu  sync.Mutex
	all []string
}

func (r *recorder) hook(mark string) func([]byte) []byte {
	return func(b []byte) []byte {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.all = append(r.all, mark+hex.EncodeToString(b))
		return b
	}
}

// TestGolden holds what protocol 1 sends. The files are added to, never edited.
func TestGolden(t *testing.T) {
	for _, name := range []string{"1-code", "1-link", "1-wrong"} {
		t.Run(name, func(t *testing.T) {
			want := readGolden(t, "testdata/"+name+".txt")
			synctest.Test(t, func(t *testing.T) {
				d := openDesk(t, 1)
				o := offer(t, d)
				pw := map[string]Password{"1-code": o.Code, "1-link": o.Link(), "1-wrong": wrongCode(o)}[name]
				var rec recorder
				r := plain(d, pw)
				r.fromI, r.fromR = rec.hook("> "), rec.hook("< ")
				out := r.meet()
				if out.errI == nil {
					rec.all = append(rec.all, "= "+hex.EncodeToString(out.i.Key.Bytes()))
				}
				got := strings.Join(rec.all, "\n")
				if got != want {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
			})
		})
	}
}

// readGolden reads a file of hex with comments. A line that begins with >, < or
// = begins a message of the old phone, one of the new phone, or the key.
func readGolden(t *testing.T, path string) string {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out strings.Builder
	for s := bufio.NewScanner(f); s.Scan(); {
		line, _, _ := strings.Cut(s.Text(), "#")
		for _, word := range strings.Fields(line) {
			if strings.Contains("><=", word) {
				word = "\n" + word + " "
			}
			out.WriteString(word)
		}
	}
	return strings.TrimPrefix(out.String(), "\n")
}

// SEC-02: someone in the middle with IDs or a session of its own fails, even
// when the code is right and each message is passed on untouched.
func TestManInTheMiddle(t *testing.T) {
	const runs = 1000
	other := [32]byte(bytes.Repeat([]byte{0x5e}, 32))
	synctest.Test(t, func(t *testing.T) {
		for i := range runs {
			d, err := NewDesk(newPhone)
			if err != nil {
				t.Fatal(err)
			}
			r := plain(d, offer(t, d).Code)
			switch i % 4 {
			case 0: // two links, its own key on both
				r.bi.Responder, r.br.Initiator, r.br.Exporter = mallory, mallory, other
			case 1: // both ends believe in each other, yet the sessions are two
				r.br.Exporter = other
			case 2: // one session, a stranger as the new phone
				r.bi.Responder = mallory
			case 3: // one session, a stranger as the old phone
				r.br.Initiator = mallory
			}
			var rec recorder
			r.fromI, r.fromR = rec.hook("> "), rec.hook("< ")
			out := r.meet()
			if out.errI == nil || out.errR == nil {
				t.Fatalf("run %d: it paired", i)
			}
			if !errors.As(out.errI, new(*WrongCodeError)) || !errors.As(out.errR, new(*WrongCodeError)) {
				t.Fatalf("run %d: %v, %v", i, out.errI, out.errR)
			}
			if len(rec.all) != 4 || !strings.HasPrefix(rec.all[3], "< 000405") {
				t.Fatalf("run %d: the responder sent something else than a refusal", i)
			}
			d.Close()
		}
	})
}

// SEC-05: the version and the method are part of what is proved, so nobody
// changes them on the way.
func TestVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDesk(t, 1)
		for _, v := range []byte{0, 2, 255} {
			r := plain(d, offer(t, d).Code)
			r.fromI = func(b []byte) []byte { b[4] = v; return b }
			out := r.meet()
			var theirs *VersionError
			if !errors.As(out.errR, &theirs) || theirs.Theirs != Version(v) {
				t.Errorf("version %d: responder: %v", v, out.errR)
			}
			// The refusal names the version that we speak: it answers another
			// HELLO than ours.
			if !errors.Is(out.errI, ErrProtocol) {
				t.Errorf("version %d: initiator: %v", v, out.errI)
			}
		}
		r := plain(d, offer(t, d).Code)
		r.fromR = func([]byte) []byte { return append([]byte{0, 4}, refuse{reasonVersion, 2}.encode()...) }
		var e *Error
		var theirs *VersionError
		if out := r.meet(); !errors.As(out.errI, &theirs) || theirs.Theirs != 2 || !errors.As(out.errI, &e) || !e.Remote {
			t.Errorf("a refusal by version 2: %v", out.errI)
		}
		if d.wrong != 0 {
			t.Errorf("%d tries were counted", d.wrong)
		}
	})
}

// Each byte of each message matters. What is damaged never makes the side that
// receives it believe.
func TestEachByteFlipped(t *testing.T) {
	sizes := map[string][]int{"initiator": {38, 67}, "responder": {35, 67}}
	for side, lens := range sizes {
		for msg, size := range lens {
			t.Run(fmt.Sprintf("%s/%d", side, msg), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					for at := range size {
						d, err := NewDesk(newPhone)
						if err != nil {
							t.Fatal(err)
						}
						n := -1
						flip := func(b []byte) []byte {
							if n++; n == msg {
								if len(b) != size {
									t.Errorf("%d bytes, want %d", len(b), size)
								}
								b[at] ^= 1 << (at % 8)
							}
							return b
						}
						r := plain(d, offer(t, d).Code)
						last := side == "responder" && msg == 1
						if side == "initiator" {
							r.fromI = flip
						} else {
							r.fromR = flip
						}
						out := r.meet()
						if out.errI == nil || (out.errR == nil) != last {
							t.Errorf("byte %d: %v, %v", at, out.errI, out.errR)
						}
						d.Close()
					}
				})
			})
		}
	}
}

// A stream that ends anywhere pairs nobody who was still to hear something.
func TestCutAtEachByte(t *testing.T) {
	sizes := map[string][]int{"initiator": {38, 67}, "responder": {35, 67}}
	for side, lens := range sizes {
		for msg, size := range lens {
			t.Run(fmt.Sprintf("%s/%d", side, msg), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					for at := range size {
						d, err := NewDesk(newPhone)
						if err != nil {
							t.Fatal(err)
						}
						n := -1
						cut := func(b []byte) []byte {
							if n++; n == msg {
								return b[:at]
							}
							return b
						}
						r := plain(d, offer(t, d).Code)
						if side == "initiator" {
							r.fromI = cut
						} else {
							r.fromR = cut
						}
						out := r.meet()
						if out.errI == nil || out.errR == nil {
							t.Errorf("byte %d: %v, %v", at, out.errI, out.errR)
						}
						if hears := map[string]error{"initiator": out.errR, "responder": out.errI}[side]; !errors.Is(hears, io.ErrUnexpectedEOF) {
							t.Errorf("byte %d: %v, want ErrUnexpectedEOF", at, hears)
						}
						if d.wrong != 0 {
							t.Errorf("byte %d: a try was counted", at)
						}
						d.Close()
					}
				})
			})
		}
	}
}

// any of these may come at any time; only one fits.
var anyMessage = map[string][]byte{
	"HELLO":            hello{version: Protocol, method: MethodCode, share: share(bytes.Repeat([]byte{2}, 32))}.encode(),
	"SHARE":            share{4}.encode(),
	"CONFIRM":          mac{}.encode(typeConfirm),
	"ACCEPT":           mac{}.encode(typeAccept),
	"REFUSE wrong":     refuse{reasonWrongCode, 1}.encode(),
	"REFUSE changed":   refuse{reasonChanged, 0}.encode(),
	"REFUSE locked":    refuse{reasonLocked, 0}.encode(),
	"REFUSE version":   refuse{reasonVersion, 7}.encode(),
	"REFUSE closed":    refuse{reasonClosed, 0}.encode(),
	"REFUSE 200":       refuse{200, 77}.encode(),
	"a type to come":   {6, 0, 0},
	"type 0":           {0},
	"HELLO of 2":       {1, 0, 2},
	"SHARE, too long":  append(share{4}.encode(), 0),
	"CONFIRM, cut":     mac{}.encode(typeConfirm)[:64],
	"REFUSE, too long": append(refuse{reasonClosed, 0}.encode(), 0),
}

// SEC-06: each message in each state. What is not in the table ends the pairing
// with ErrProtocol.
func TestEachMessageInEachState(t *testing.T) {
	wrong, version := errors.New("WrongCodeError"), errors.New("VersionError")
	states := []struct {
		name  string
		side  string
		index int // of the message that is replaced
		legal map[string]error
	}{
		{"responder waits for HELLO", "initiator", 0, map[string]error{
			"HELLO": wrong, "HELLO of 2": version, // a HELLO with another share, so that CONFIRM does not fit
		}},
		{"responder waits for CONFIRM", "initiator", 1, map[string]error{"CONFIRM": wrong}},
		{"initiator waits for SHARE", "responder", 0, map[string]error{
			"SHARE":         wrong, // likewise
			"REFUSE locked": ErrTooManyTries, "REFUSE version": version, "REFUSE closed": ErrRefused, "REFUSE 200": ErrRefused,
		}},
		{"initiator waits for ACCEPT", "responder", 1, map[string]error{
			"ACCEPT": ErrUnproven, "REFUSE wrong": wrong, "REFUSE changed": ErrCodeChanged,
			"REFUSE locked": ErrTooManyTries, "REFUSE closed": ErrRefused, "REFUSE 200": ErrRefused,
		}},
	}
	for _, st := range states {
		for name, msg := range anyMessage {
			t.Run(st.name+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := openDesk(t, 1)
					r := plain(d, offer(t, d).Code)
					n := -1
					replace := func(b []byte) []byte {
						if n++; n == st.index {
							b = append([]byte{0, byte(len(msg))}, msg...)
						}
						return b
					}
					var err error
					var e *Error
					if st.side == "initiator" {
						r.fromI = func(b []byte) []byte { return pad(replace(b), len(b)) }
						err = r.meet().errR
					} else {
						r.fromR = func(b []byte) []byte { return pad(replace(b), len(b)) }
						err = r.meet().errI
					}
					if !errors.As(err, &e) {
						t.Fatalf("%v is no *Error", err)
					}
					want, ok := st.legal[name]
					if !ok {
						want = ErrProtocol
					}
					switch {
					case want == wrong:
						ok = errors.As(err, new(*WrongCodeError))
					case want == version:
						ok = errors.As(err, new(*VersionError))
					default:
						ok = errors.Is(err, want)
					}
					if !ok || errors.Is(err, ErrProtocol) != (want == ErrProtocol) {
						t.Errorf("%v, want %v", err, want)
					}
					if remote := st.side == "responder" && want != ErrProtocol && want != ErrUnproven; e.Remote != remote {
						t.Errorf("Remote is %v in %v", e.Remote, err)
					}
				})
			})
		}
	}
}

// pad lengthens b to n bytes, so that tapped does not take a short message for
// a cut.
func pad(b []byte, n int) []byte {
	for len(b) < n {
		b = append(b, 0)
	}
	return b
}

// Messages of one run are worth nothing in another, and none comes back to who
// sent it.
func TestReplayAndReflection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDesk(t, 1)
		o := offer(t, d)

		// One run is heard, up to a CONFIRM that never arrives.
		var heard [][]byte
		r := plain(d, o.Code)
		r.fromI = func(b []byte) []byte {
			heard = append(heard, b)
			if len(heard) == 2 {
				return b[:0]
			}
			return b
		}
		if out := r.meet(); out.errI == nil || out.errR == nil || len(heard) != 2 {
			t.Fatal("nothing to replay")
		}
		ci, cr := net.Pipe()
		go func() {
			defer ci.Close()
			ci.Write(heard[0])
			readMessage(ci)
			ci.Write(heard[1])
			readMessage(ci)
		}()
		if _, err := d.Respond(context.Background(), cr, binding(), nil); !errors.As(err, new(*WrongCodeError)) {
			t.Errorf("replayed HELLO and CONFIRM: %v", err)
		}
		cr.Close()

		// The initiator hears itself.
		var sent [][]byte
		r = plain(d, o.Code)
		r.fromI = func(b []byte) []byte { sent = append(sent, b); return b }
		r.fromR = func([]byte) []byte { return append([]byte{0, 33, byte(typeShare)}, sent[0][6:]...) }
		if out := r.meet(); !errors.Is(out.errI, ErrProtocol) {
			t.Errorf("reflected share: %v, want ErrProtocol", out.errI)
		}
		sent = nil
		n := 0
		r.fromR = func(b []byte) []byte {
			if n++; n == 2 {
				copy(b[3:], sent[1][3:])
			}
			return b
		}
		if out := r.meet(); !errors.Is(out.errI, ErrUnproven) {
			t.Errorf("reflected MAC: %v, want ErrUnproven", out.errI)
		}
	})
}

// CPace's abort cases end the pairing before anything is answered.
func TestBadShares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDesk(t, 1)
		for name, s := range map[string]share{
			"identity":      {},
			"not canonical": share(bytes.Repeat([]byte{0xff}, 32)),
			"negative":      {1},
		} {
			var answered int
			r := plain(d, offer(t, d).Code)
			r.fromI = func(b []byte) []byte { copy(b[6:], s[:]); return b }
			r.fromR = func(b []byte) []byte { answered++; return b }
			if out := r.meet(); !errors.Is(out.errR, ErrProtocol) || out.errI == nil || answered != 0 {
				t.Errorf("%s as Ya: %v, %d answers", name, out.errR, answered)
			}
			r.fromI, r.fromR = nil, func(b []byte) []byte { copy(b[3:], s[:]); return b }
			if out := r.meet(); !errors.Is(out.errI, ErrProtocol) || out.errR == nil {
				t.Errorf("%s as Yb: %v", name, out.errI)
			}
		}
		if d.wrong != 0 {
			t.Errorf("%d tries were counted", d.wrong)
		}
	})
}

// The new phone notes who has paired before the old phone hears of it, and notes
// nobody who has not.
func TestProved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDesk(t, 1)
		for _, right := range []bool{false, true} {
			pw := offer(t, d).Code
			if !right {
				pw = wrongCode(offer(t, d))
			}
			ci, cr := net.Pipe()
			noted := false
			var said []bool // whether it was noted when the new phone said something
			var wg sync.WaitGroup
			wg.Go(func() {
				defer cr.Close()
				w := tapped{cr, func(b []byte) []byte { said = append(said, noted); return b }}
				d.Respond(context.Background(), w, binding(), func() { noted = true })
			})
			_, err := Initiate(context.Background(), ci, binding(), pw)
			ci.Close()
			wg.Wait()
			if n := len(said); (err == nil) != right || n != 2 || said[0] || said[n-1] != right {
				t.Errorf("a right code: %v; it paired: %v; noted at each of its messages: %v", right, err, said)
			}
		}
	})
}

// The stream is left right behind the last message.
func TestStreamGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDesk(t, 1)
		ci, cr := net.Pipe()
		defer ci.Close()
		defer cr.Close()
		go func() {
			if _, err := d.Respond(context.Background(), cr, binding(), nil); err != nil {
				t.Error(err)
			}
			cr.Write([]byte("next"))
		}()
		if _, err := Initiate(context.Background(), ci, binding(), offer(t, d).Code); err != nil {
			t.Fatal(err)
		}
		var next [4]byte
		if _, err := io.ReadFull(ci, next[:]); err != nil || string(next[:]) != "next" {
			t.Errorf("%q, %v", next, err)
		}
	})
}

// SEC-04: no error says the code.
func TestErrorsHideTheCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDesk(t, 1)
		o := offer(t, d)
		typed := wrongCode(o)
		out := plain(d, typed).meet()
		for _, err := range []error{out.errI, out.errR} {
			for _, f := range []string{"%v", "%+v", "%#v", "%q"} {
				s := fmt.Sprintf(f, err)
				for _, c := range []Code{o.Code, typed} {
					if strings.Contains(s, c.Digits()) || strings.Contains(s, c.Reveal()) {
						t.Errorf("%s says the code: %s", f, s)
					}
				}
			}
		}
	})
}

// script plays the other side: it has what is read and takes what is written.
type script struct {
	io.Reader
	io.Writer
}

// Whatever a stranger sends, it does not pair, and it is counted as a try only
// with a whole CONFIRM in it.
func FuzzRespond(f *testing.F) {
	frame := func(b []byte) []byte { return append([]byte{0, byte(len(b))}, b...) }
	good := hello{version: Protocol, method: MethodCode, share: cpaceShare(f)}
	f.Add([]byte{})
	f.Add(frame(good.encode()))
	f.Add(append(frame(good.encode()), frame(mac{}.encode(typeConfirm))...))
	good.method = MethodLink
	f.Add(append(frame(good.encode()), frame(mac{7}.encode(typeConfirm))...))
	for _, m := range anyMessage {
		f.Add(append(frame(good.encode()), frame(m)...))
	}
	f.Add([]byte{0xff, 0xff})
	f.Fuzz(func(t *testing.T, in []byte) {
		synctest.Test(t, func(t *testing.T) {
			d := openDesk(t, 1)
			var sent bytes.Buffer
			begin := time.Now()
			_, err := d.Respond(context.Background(), script{bytes.NewReader(in), &sent}, binding(), nil)
			if err == nil {
				t.Fatal("it paired")
			}
			tried := errors.As(err, new(*WrongCodeError))
			if tried != (d.wrong == 1) || tried && (len(in) < 38+67 || time.Since(begin) < TryCost) {
				t.Errorf("%v after %v, %d tries", err, time.Since(begin), d.wrong)
			}
			if sent.Len() > 35+6 {
				t.Errorf("%d bytes were sent", sent.Len())
			}
		})
	})
}

// Whatever a stranger answers, the old phone does not believe it.
func FuzzInitiate(f *testing.F) {
	frame := func(b []byte) []byte { return append([]byte{0, byte(len(b))}, b...) }
	good := frame(share(cpaceShare(f)).encode())
	f.Add([]byte{})
	f.Add(good)
	for _, m := range anyMessage {
		f.Add(frame(m))
		f.Add(append(bytes.Clone(good), frame(m)...))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		rw := script{bytes.NewReader(in), io.Discard}
		_, err := initiate(context.Background(), rw, binding(), testCode(), random(9))
		var e *Error
		if !errors.As(err, &e) {
			t.Fatalf("%v is no *Error", err)
		}
	})
}

// cpaceShare returns some valid share.
func cpaceShare(f *testing.F) share {
	var out share
	rw := script{bytes.NewReader(nil), writerFunc(func(b []byte) { copy(out[:], b[6:]) })}
	initiate(context.Background(), rw, binding(), testCode(), random(3))
	if out == (share{}) {
		f.Fatal("no share was sent")
	}
	return out
}

type writerFunc func([]byte)

func (w writerFunc) Write(b []byte) (int, error) { w(b); return len(b), nil }
