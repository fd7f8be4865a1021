package p2p

import "sync"

// Control is a stream as a session's control stream: Close ends both
// directions at once.
type Control struct {
	s    *Stream
	once sync.Once
}

// Control returns the stream in that form. The stream then belongs to it.
func (s *Stream) Control() *Control { return &Control{s: s} }

// Read implements io.Reader.
func (c *Control) Read(p []byte) (int, error) { return c.s.Read(p) }

// Write implements io.Writer.
func (c *Control) Write(p []byte) (int, error) { return c.s.Write(p) }

// CloseWrite says that nothing more will be written. What was written arrives.
func (c *Control) CloseWrite() error { return c.s.CloseWrite() }

// Close drops the stream and wakes what is blocked on it.
func (c *Control) Close() error {
	c.once.Do(func() { c.s.Reset() })
	return nil
}
