package main

import (
	"testing"
	"time"
)

func TestZeros(t *testing.T) {
	ln, err := listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	served := make(chan error, 1)
	go func() { served <- serve(t.Context(), ln) }()
	a, err := send(t.Context(), ln.Addr().String(), 20*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if a.Bytes < chunk || a.Bytes%chunk != 0 || a.Seconds < 0.02 {
		t.Errorf("%+v", a)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestWrongCalls(t *testing.T) {
	for _, args := range [][]string{nil, {"listen"}, {"dial", "127.0.0.1:1"}, {"dial", "127.0.0.1:1", "soon"}, {"listen", "nowhere"}} {
		if err := run(args); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}
