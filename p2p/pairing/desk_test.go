package pairing

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// closed reports whether the offer that the channel came with is over.
func closed(changed <-chan struct{}) bool {
	select {
	case <-changed:
		return true
	default:
		return false
	}
}

func TestOfferExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDesk(t, 1)
		first, changed, err := d.Offer()
		if err != nil || first.Serial != 1 || first.Why != First || first.Device != newPhone {
			t.Fatalf("first offer: %d, %v, %v", first.Serial, first.Why, err)
		}
		if left := time.Until(first.Expires); left != CodeLife || CodeLife > 5*time.Minute {
			t.Errorf("it lives for %v", left)
		}
		time.Sleep(CodeLife - time.Nanosecond)
		synctest.Wait()
		if closed(changed) {
			t.Fatal("it ended too early")
		}
		<-changed
		if now := time.Now(); !now.Equal(first.Expires) {
			t.Errorf("it ended %v late", now.Sub(first.Expires))
		}
		second := offer(t, d)
		if second.Serial != 2 || second.Why != Expired || second.Code.Equal(first.Code) || second.Secret.Equal(first.Secret) {
			t.Errorf("second offer: %d, %v, or the code or secret stayed", second.Serial, second.Why)
		}
		if out := plain(d, first.Code).meet(); !errors.As(out.errI, new(*WrongCodeError)) {
			t.Errorf("the first code is taken for: %v", out.errI)
		}
	})
}

// A proof is worth nothing once the code it was made for is gone, and no try.
func TestOfferExpiresDuringPairing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDesk(t, 1)
		r := plain(d, offer(t, d).Code)
		time.Sleep(CodeLife - time.Second)
		d.turn <- struct{}{} // someone else's try, until the code has expired
		out := r.meet()
		<-d.turn
		var e *Error
		if !errors.Is(out.errI, ErrCodeChanged) || !errors.As(out.errI, &e) || !e.Remote {
			t.Errorf("initiator: %v, want ErrCodeChanged", out.errI)
		}
		if !errors.Is(out.errR, ErrCodeChanged) {
			t.Errorf("responder: %v, want ErrCodeChanged", out.errR)
		}
		if d.tries != 0 || d.wrong != 0 {
			t.Errorf("%d, %d tries were counted", d.tries, d.wrong)
		}
	})
}

// The clock of timers may have stood still while a phone slept.
func TestOfferExpiresByTimeOfDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDesk(t, 1)
		d.mu.Lock()
		d.offer.Expires = time.Now().Round(0).Add(-time.Second)
		d.mu.Unlock()
		if o := offer(t, d); o.Serial != 2 || o.Why != Expired {
			t.Errorf("offer %d, %v", o.Serial, o.Why)
		}
	})
}

// Somebody sets the clock. Set back, a code lives no longer than it should; set on,
// it is replaced, and the next one lives as long as it should.
func TestOfferExpiresWithTheClockSet(t *testing.T) {
	const decade = 10 * 365 * 24 * time.Hour
	set := func(d *Desk, by time.Duration) { // as if the time of day was so much later
		d.mu.Lock()
		defer d.mu.Unlock()
		d.offer.Expires = d.offer.Expires.Add(-by)
	}
	synctest.Test(t, func(t *testing.T) {
		d := openDesk(t, 1)
		_, changed, err := d.Offer()
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		time.Sleep(CodeLife / 2)
		set(d, -decade)
		<-changed
		if lived := time.Since(began); lived != CodeLife {
			t.Errorf("set back, a code lives for %v", lived)
		}
		set(d, decade)
		second, changed, err := d.Offer()
		if err != nil || second.Serial != 3 || second.Why != Expired {
			t.Errorf("set on: %d, %v, %v", second.Serial, second.Why, err)
		}
		began = time.Now()
		<-changed
		if lived := time.Since(began); lived != CodeLife {
			t.Errorf("the next one lives for %v", lived)
		}
	})
}

func TestWrongCodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDesk(t, 1)
		first, changed, err := d.Offer()
		if err != nil {
			t.Fatal(err)
		}
		badLink := first.Link()
		badLink.Secret = testSecret()
		// Code and link count together.
		for i, pw := range []Password{wrongCode(first), badLink, wrongCode(first)} {
			if closed(changed) {
				t.Fatalf("a new code after %d tries", i)
			}
			begin := time.Now()
			out := plain(d, pw).meet()
			for side, err := range map[string]error{"initiator": out.errI, "responder": out.errR} {
				var wrong *WrongCodeError
				if !errors.As(err, &wrong) || wrong.TriesLeft != 2-i {
					t.Errorf("%s, try %d: %v, want %d tries left", side, i, err, 2-i)
				}
			}
			if cost := time.Since(begin); cost < time.Second {
				t.Errorf("try %d cost %v", i, cost)
			}
		}
		if !closed(changed) {
			t.Fatal("no new code after 3 wrong tries")
		}
		second := offer(t, d)
		if second.Why != UsedUp || second.Serial != 2 {
			t.Errorf("second offer: %d, %v", second.Serial, second.Why)
		}
		if time.Until(second.Expires) != CodeLife-TryCost { // the last answer came a second after the try
			t.Error("the new code does not have its full time")
		}
		if out := plain(d, first.Code).meet(); out.errI == nil || out.errR == nil {
			t.Error("the used-up code still pairs")
		}
		if out := plain(d, second.Code).meet(); out.errI != nil || out.errR != nil {
			t.Errorf("the new code: %v, %v", out.errI, out.errR)
		}
	})
}

// A try that was wrong is counted even if the stranger is gone by then.
func TestTryCountsWithoutAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDesk(t, 1)
		r := plain(d, wrongCode(offer(t, d)))
		sent := 0
		var here net.Conn
		ci, cr := net.Pipe()
		here = tapped{ci, func(b []byte) []byte { sent++; return b }}
		go func() {
			Initiate(context.Background(), here, r.bi, r.pw)
		}()
		go func() {
			time.Sleep(TryCost / 2) // CONFIRM is there, the answer is not
			ci.Close()
		}()
		_, err := d.Respond(context.Background(), cr, r.br, nil)
		cr.Close()
		synctest.Wait()
		if !errors.As(err, new(*WrongCodeError)) || sent != 2 || d.tries != 1 {
			t.Errorf("%v, %d messages, %d tries counted", err, sent, d.tries)
		}
	})
}

// What ends before a proof is checked costs no try.
func TestOnlyProofsAreTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDesk(t, 1)
		o, changed, _ := d.Offer()
		for range 20 {
			r := plain(d, wrongCode(o))
			n := 0
			r.fromI = func(b []byte) []byte {
				if n++; n == 2 {
					return b[:len(b)-1] // CONFIRM, but for a byte
				}
				return b
			}
			if out := r.meet(); out.errI == nil || out.errR == nil {
				t.Fatal("it paired")
			}
		}
		if closed(changed) || d.tries != 0 || d.wrong != 0 {
			t.Errorf("%d, %d tries were counted", d.tries, d.wrong)
		}
	})
}

// SEC-03: fifty strangers at once get three checks for each code, thirty in
// all, a second after one another; then the desk stops.
func TestParallelGuessers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDesk(t, 1)
		begin := time.Now()
		var mu sync.Mutex
		var locked, changed, other int
		left := map[int]int{} // tries left -> how often
		offers := map[uint64]bool{}
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				b := binding()
				b.Initiator = device(byte(100 + i))
				for range 10 * MaxWrongTries {
					o, _, err := d.Offer()
					if err != nil {
						if !errors.Is(err, ErrTooManyTries) {
							t.Errorf("Offer: %v", err)
						}
						return
					}
					out := run{desk: d, pw: wrongCode(o), bi: b, br: b, randI: random(byte(i))}.meet()
					var wrong *WrongCodeError
					isWrong := errors.As(out.errR, &wrong)
					mu.Lock()
					offers[o.Serial] = true
					switch {
					case errors.Is(out.errI, ErrTooManyTries) && isWrong: // the last one
						left[wrong.TriesLeft]++
						locked++
					case errors.Is(out.errI, ErrTooManyTries):
						locked++
					case errors.Is(out.errI, ErrCodeChanged) && !isWrong:
						changed++
					case isWrong:
						left[wrong.TriesLeft]++
					default:
						other++
						t.Errorf("%v, %v", out.errI, out.errR)
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		const codes = MaxWrongTries / TriesPerCode
		if len(offers) != codes || left[2] != codes || left[1] != codes || left[0] != codes || len(left) != TriesPerCode {
			t.Errorf("%d codes, checks by tries left: %v, want %d of each", len(offers), left, codes)
		}
		if changed == 0 || locked == 0 || other != 0 {
			t.Errorf("%d saw another code, %d a locked desk, %d something else", changed, locked, other)
		}
		if took := time.Since(begin); took < (MaxWrongTries-1)*time.Second { // the last one ends everything at once
			t.Errorf("%d checks took only %v", MaxWrongTries, took)
		}
		if out := plain(d, testCode()).meet(); !errors.Is(out.errI, ErrTooManyTries) || !errors.Is(out.errR, ErrTooManyTries) {
			t.Errorf("afterwards: %v, %v, want ErrTooManyTries", out.errI, out.errR)
		}
	})
}

func testCode() Code { return Code{hide([]byte("7429163"))} }

// The limit in all is not to be got round by waiting for fresh codes.
func TestTriesAddUpOverExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDesk(t, 1)
		tries := 0
		for range 2 * MaxWrongTries {
			o, changed, err := d.Offer()
			if err != nil {
				if !errors.Is(err, ErrTooManyTries) || tries != MaxWrongTries {
					t.Errorf("%v after %d tries", err, tries)
				}
				return
			}
			for range TriesPerCode - 1 {
				if out := plain(d, wrongCode(o)).meet(); errors.As(out.errR, new(*WrongCodeError)) {
					tries++
				}
			}
			<-changed
		}
		t.Errorf("the desk works after %d wrong tries", tries)
	})
}

func TestPairingUsesTheOfferUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDesk(t, 1)
		o, changed, _ := d.Offer()
		if out := plain(d, wrongCode(o)).meet(); out.errI == nil {
			t.Fatal("a wrong code paired")
		}
		if out := plain(d, o.Code).meet(); out.errI != nil || out.errR != nil {
			t.Fatalf("%v, %v", out.errI, out.errR)
		}
		if !closed(changed) || d.wrong != 0 || d.tries != 0 {
			t.Errorf("closed %v, %d and %d tries", closed(changed), d.wrong, d.tries)
		}
		next := offer(t, d)
		if next.Why != Paired || next.Code.Equal(o.Code) || next.Secret.Equal(o.Secret) {
			t.Errorf("next offer: %v, or the code or secret stayed", next.Why)
		}
		for _, pw := range []Password{o.Code, o.Link()} {
			if out := plain(d, pw).meet(); !errors.As(out.errI, new(*WrongCodeError)) {
				t.Errorf("paired twice: %v", out.errI)
			}
		}
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDesk(t, 1)
		o, changed, _ := d.Offer()
		d.turn <- struct{}{}
		time.AfterFunc(TryCost/2, func() { d.Close() }) // while a try waits for its turn
		out := plain(d, o.Code).meet()
		<-d.turn
		if !errors.Is(out.errI, ErrRefused) || !errors.Is(out.errR, ErrClosed) {
			t.Errorf("%v, %v, want ErrRefused, ErrClosed", out.errI, out.errR)
		}
		if !closed(changed) {
			t.Error("closing did not signal")
		}
		if o, _, err := d.Offer(); !errors.Is(err, ErrClosed) || !o.Code.IsZero() {
			t.Errorf("Offer: %v, want ErrClosed", err)
		}
		if out := plain(d, o.Code).meet(); !errors.Is(out.errI, ErrRefused) {
			t.Errorf("a closed desk: %v, want ErrRefused", out.errI)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestNewDeskRefuses(t *testing.T) {
	if _, err := NewDesk("junk"); err == nil {
		t.Error("a junk device ID was accepted")
	}
	if _, err := newDesk(newPhone, bytes.NewReader(make([]byte, 19))); err == nil {
		t.Error("too little randomness was accepted")
	}
	d, err := NewDesk(newPhone)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if o := offer(t, d); len(o.Code.Digits()) != CodeDigits || o.Secret.IsZero() {
		t.Error("the offer has no code or no secret")
	}
}

// A desk that gets no randomness for the next code stops.
func TestDeskWithoutRandomness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, err := newDesk(newPhone, bytes.NewReader(make([]byte, 4+SecretSize)))
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		time.Sleep(CodeLife)
		synctest.Wait()
		if o, _, err := d.Offer(); err == nil || !o.Code.IsZero() {
			t.Errorf("offer %d, %v", o.Serial, err)
		}
	})
}
