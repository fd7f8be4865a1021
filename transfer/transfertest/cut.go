package transfertest

import "github.com/ferry-move/ferry/transfer/faulttest"

// Break returns l with every stream wrapped by f.
func Break(l Ends, f *faulttest.Link) Ends {
	return Ends{
		SendControl: f.Control(l.SendControl), ReceiveControl: f.Control(l.ReceiveControl),
		Open: f.Opener(l.Open), Accept: f.Acceptor(l.Accept),
	}
}
