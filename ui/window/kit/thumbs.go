package kit

import (
	"bufio"
	"container/list"
	"errors"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"sync"
)

// Limits of a picture that is made small, and of what is kept.
const (
	thumbSide   = 96
	maxFile     = 64 << 20
	maxPixels   = 100 << 20 // of a JPEG, which needs 1.5 to 3 bytes for each
	maxUnpacked = 25 << 20  // of others, which may need 8
	keptThumbs  = 256       // 9 MB
	wanted      = 32        // asked for and not begun; about a screen
)

// errNoThumb is of a picture that is not made small.
var errNoThumb = errors.New("kit: no thumbnail of this")

// Thumbs makes pictures small, one at a time, on a goroutine of its own, and
// keeps the last few. What was asked for last comes first, so that a list which
// is scrolled fast shows what is seen now. Its owner closes it.
type Thumbs struct {
	open  func(name string) (io.ReadSeekCloser, int64, error)
	ready func()

	mu    sync.Mutex
	kept  map[string]*list.Element // of order; guarded by mu
	order *list.List               // of *thumb, the latest used first; guarded by mu
	queue []string                 // guarded by mu; the next one is the last
	busy  string                   // guarded by mu; the one that is being made
	shut  bool                     // guarded by mu

	wake chan struct{}
	done chan struct{}
}

// thumb is a picture made small; nil = there is none, and it is not tried again.
type thumb struct {
	name string
	pic  image.Image
}

// NewThumbs starts it. open gives a picture's file and its size; ready is called,
// on another goroutine, when a picture has come.
func NewThumbs(open func(name string) (io.ReadSeekCloser, int64, error), ready func()) *Thumbs {
	t := &Thumbs{
		open: open, ready: ready, kept: make(map[string]*list.Element), order: list.New(),
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	go t.work()
	return t
}

// Get returns a picture, or nil and has it made.
func (t *Thumbs) Get(name string) image.Image {
	if name == "" {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if e, ok := t.kept[name]; ok {
		t.order.MoveToFront(e)
		return e.Value.(*thumb).pic
	}
	if t.shut || name == t.busy {
		return nil
	}
	for i, n := range t.queue {
		if n == name {
			t.queue = append(t.queue[:i], t.queue[i+1:]...)
			break
		}
	}
	if t.queue = append(t.queue, name); len(t.queue) > wanted {
		t.queue = t.queue[1:]
	}
	select {
	case t.wake <- struct{}{}:
	default:
	}
	return nil
}

// Close ends it, after the picture that is being made.
func (t *Thumbs) Close() {
	t.mu.Lock()
	if !t.shut {
		t.shut = true
		close(t.wake)
	}
	t.mu.Unlock()
	<-t.done
}

// next takes what was asked for last.
func (t *Thumbs) next() (name string, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.shut || len(t.queue) == 0 {
		return "", false
	}
	name = t.queue[len(t.queue)-1]
	t.queue = t.queue[:len(t.queue)-1]
	t.busy = name
	return name, true
}

func (t *Thumbs) work() {
	defer close(t.done)
	for range t.wake {
		for {
			name, ok := t.next()
			if !ok {
				break
			}
			pic, err := t.make(name)
			if err != nil { // kept too: a file that is no picture stays none
				pic = nil
			}
			t.keep(name, pic)
			if pic != nil {
				t.ready()
			}
		}
	}
}

func (t *Thumbs) keep(name string, pic image.Image) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.busy = ""
	t.kept[name] = t.order.PushFront(&thumb{name, pic})
	for t.order.Len() > keptThumbs {
		delete(t.kept, t.order.Remove(t.order.Back()).(*thumb).name)
	}
}

func (t *Thumbs) make(name string) (image.Image, error) {
	f, size, err := t.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size > maxFile {
		return nil, errNoThumb
	}
	return small(f)
}

// small decodes a picture, upright and at most thumbSide wide and high. It
// looks at the picture's size before it makes room for it.
func small(f io.ReadSeeker) (image.Image, error) {
	in := func() io.Reader { return bufio.NewReader(io.LimitReader(f, maxFile)) }
	var head [3]byte
	if _, err := io.ReadFull(f, head[:]); err != nil {
		return nil, err
	}
	config, decode, limit, jpg := png.DecodeConfig, png.Decode, maxUnpacked, false
	switch string(head[:]) {
	case "\xff\xd8\xff":
		config, decode, limit, jpg = jpeg.DecodeConfig, jpeg.Decode, maxPixels, true
	case "GIF":
		config, decode = gif.DecodeConfig, gif.Decode
	case "\x89PN":
	default:
		return nil, errNoThumb
	}
	again := func() error { _, err := f.Seek(0, io.SeekStart); return err }
	if err := again(); err != nil {
		return nil, err
	}
	c, err := config(in())
	if err != nil {
		return nil, err
	}
	if c.Width <= 0 || c.Height <= 0 || c.Width > limit/c.Height {
		return nil, errNoThumb
	}
	turned := upright
	if jpg {
		if err := again(); err != nil {
			return nil, err
		}
		turned = readOrientation(in())
	}
	if err := again(); err != nil {
		return nil, err
	}
	pic, err := decode(in())
	if err != nil {
		return nil, err
	}
	all, ok := pic.(image.RGBA64Image) // as those of package image are
	if !ok {
		return nil, errNoThumb
	}
	return turned.turn(shrink(all, thumbSide)), nil
}

// shrink makes a picture at most side wide and high: each pixel is the mean of a
// few of those that it stands for. One that is small enough is copied. Other than
// At, RGBA64At needs no memory for a pixel.
func shrink(pic image.RGBA64Image, side int) *image.RGBA {
	const most = 8 // of the pixels in a row that are looked at
	b := pic.Bounds()
	w, h := b.Dx(), b.Dy()
	if long := max(w, h); long > side {
		w, h = max(1, w*side/long), max(1, h*side/long)
	}
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		top, bottom := b.Min.Y+y*b.Dy()/h, b.Min.Y+(y+1)*b.Dy()/h
		down := max(1, (bottom-top)/most)
		for x := range w {
			left, right := b.Min.X+x*b.Dx()/w, b.Min.X+(x+1)*b.Dx()/w
			across := max(1, (right-left)/most)
			var sum [4]uint32
			var n uint32
			for v := top; v < bottom; v += down {
				for u := left; u < right; u += across {
					c := pic.RGBA64At(u, v)
					for i, c := range [4]uint16{c.R, c.G, c.B, c.A} {
						sum[i] += uint32(c >> 8)
					}
					n++
				}
			}
			for i, s := range sum {
				out.Pix[out.PixOffset(x, y)+i] = uint8(s / n)
			}
		}
	}
	return out
}
