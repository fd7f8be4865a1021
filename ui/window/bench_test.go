package window

import (
	"bytes"
	"image"
	"image/jpeg"
	"io"
	"testing"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer"
)

// One draw of a move of ten kinds, each of which is further than at the draw before:
// what the goroutine that draws does ten times a second, but for the painting.
func BenchmarkMovingDraw(b *testing.B) {
	s := onTheWay(flow.OldPhone)
	s.Progress.Kinds = nil
	for _, k := range []backup.Kind{"contacts", "documents", "photos", "videos", "music", "recordings", "downloads", "apps", "files", "messages"} {
		s.Progress.Kinds = append(s.Progress.Kinds, transfer.KindProgress{Kind: k, Items: 1 << 40, Bytes: 1 << 50})
	}
	f := newFace(b, s)
	b.ReportAllocs()
	for i := uint64(1); b.Loop(); i++ {
		p := &s.Progress
		p.Part = float64(i%1000) / 1000
		p.Speed, p.DoneBytes = float64(30e6+1e5*(i%50)), i*7_000_000
		for k := range p.Kinds {
			p.Kinds[k].DoneItems, p.Kinds[k].DoneBytes = i*uint64(k+1), i*7_000_000
		}
		f.see(s)
	}
}

// One step of scrolling through 100,000 photos, with all of their pictures that are
// made meanwhile: a drag shows a new row at every third step, a flick a page of them
// at each.
func BenchmarkItemsScroll(b *testing.B) {
	var pic bytes.Buffer
	if err := jpeg.Encode(&pic, image.NewYCbCr(image.Rect(0, 0, 1024, 768), image.YCbCrSubsampleRatio420), nil); err != nil {
		b.Fatal(err)
	}
	for _, way := range []struct {
		name string
		step float32
	}{{"drag", 20}, {"flick", 1000}} {
		b.Run(way.name, func(b *testing.B) {
			f := newFace(b, choosing())
			q := f.queue()
			f.items = first(100_000, true)
			f.open = func(flow.Entry) (io.ReadSeekCloser, int64, error) {
				return file{bytes.NewReader(pic.Bytes())}, int64(pic.Len()), nil
			}
			openPhotos(f)
			list := f.panel().list
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				list.ScrollToOffset(float32(i%5000) * way.step)
				q.draw()
			}
			b.StopTimer()
			f.panel().close()
		})
	}
}
