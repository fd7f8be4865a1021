package transfer

import (
	"context"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer/squeeze"
	"github.com/ferry-move/ferry/transfer/tree"
	"github.com/ferry-move/ferry/transfer/wire"
)

// Small items do not travel as blocks of their own, which would cost each of
// them a header, a turn of each goroutine on the way, and a system call or two.
// Whoever reads them takes what is wanted at that moment and makes one bundle of
// it, as full as it gets without waiting:
//
//	Need ─> small ─┬─> a few hundred items ─ read, hashed ─ bundle ─> blocks ─> lanes
//	               └─> the same
const (
	// bundleFrom is the size in bytes from which an item is a matter of blocks.
	bundleFrom = wire.PushBelow
	bundlers   = 2   // bundles being made at once
	bundleMost = 512 // items that one of them takes at once
)

// bundles reports whether an item goes into a bundle.
func (s *sender) bundles(o *outItem) bool {
	return s.protocol >= wire.CompactSince && o.it.Size < bundleFrom && len(o.there) == 0
}

// bundler makes bundles. It belongs to one goroutine.
type bundler struct {
	s      *sender
	buf    *[wire.BlockSize]byte // the files' contents
	used   int                   // of buf
	size   int                   // of the body, at most
	pieces []wire.Piece
	items  []*outItem
}

// bundle makes bundles of small items until every item has its result.
func (s *sender) bundle(ctx context.Context) error {
	b := bundler{s: s, buf: new([wire.BlockSize]byte)}
	items := make([]*outItem, 0, bundleMost)
	for {
		got, err := s.small.take(ctx, s.allDone, items)
		if err != nil || len(got) == 0 {
			return err
		}
		for _, o := range got {
			if err := b.add(ctx, o); err != nil {
				return err
			}
		}
		if err := b.flush(ctx); err != nil {
			return err
		}
		clear(got)
	}
}

// add reads an item. One that cannot be read is settled, and the run goes on.
func (b *bundler) add(ctx context.Context, o *outItem) error {
	n := int(o.it.Size)
	if b.size+n+wire.MaxPieceHead > wire.BlockSize-2 || len(b.pieces) == wire.MaxPieces { // 2 for their number
		if err := b.flush(ctx); err != nil {
			return err
		}
	}
	if o.ended.Load() {
		return nil
	}
	p := wire.Piece{Item: o.id, Data: o.it.Value}
	if o.it.Type == backup.TypeFile {
		p.Hashed, p.Data = true, b.buf[b.used:][:n:n]
		if err := b.s.readWhole(ctx, o, p.Data); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return b.s.fail(o, err)
		}
		p.Hash = tree.Block(p.Data, 0, o.it.Size)
		b.used += n
	} else if o.pushed {
		p.Hash = tree.Block(p.Data, 0, o.it.Size) // for the account; it is not sent
	}
	b.pieces, b.items = append(b.pieces, p), append(b.items, o)
	b.size += n + wire.MaxPieceHead
	return nil
}

// readWhole reads a small file.
func (s *sender) readWhole(ctx context.Context, o *outItem, p []byte) error {
	r, err := s.backups[o.kind].Open(ctx, o.it, 0)
	if err != nil {
		return err
	}
	defer r.Close()
	defer s.meter.disk()()
	return readBlock(r, p, true)
}

// flush queues what was read as one bundle.
func (b *bundler) flush(ctx context.Context) error {
	if len(b.pieces) == 0 {
		return nil
	}
	out := &block{many: append([]*outItem(nil), b.items...), buf: blockBufs.Get().(*[wire.BlockSize]byte)}
	out.data = wire.AppendBundle(out.buf[:0], b.pieces)
	content := 0
	b.s.mu.Lock()
	for i, o := range b.items {
		if p := &b.pieces[i]; p.Hashed || o.pushed {
			o.digest = p.Hash
		}
		o.sent = true
		content += len(b.pieces[i].Data)
	}
	b.s.mu.Unlock()
	out.worth = !b.s.cfg.NoSqueeze && squeeze.Worth("", out.data[len(out.data)-content:])
	clear(b.pieces)
	clear(b.items)
	b.pieces, b.items, b.size, b.used = b.pieces[:0], b.items[:0], 0, 0
	return put(ctx, b.s.blocks, out)
}

// try reports whether the block is worth squeezing, for all that is known of its
// item.
func (b *block) try() bool {
	return b.o == nil || !b.o.ended.Load() && b.o.squeeze.Try()
}

// appendHead appends what goes over a lane before the block's bytes.
func (b *block) appendHead(dst []byte) []byte {
	if b.o != nil {
		return wire.AppendBlockHeader(dst, b.head)
	}
	return wire.AppendBundleHeader(dst, wire.BundleHeader{Codec: b.head.Codec, Length: uint32(len(b.data)), Packed: b.head.Packed})
}

// leaves counts a block that is about to be sent: its content in bytes, and the
// items of which it is the last.
func (s *sender) leaves(b *block) (content, items int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case b.o == nil:
		items = len(b.many)
		for _, o := range b.many {
			content += int(o.it.Size)
			s.underway(o, o.it.Size)
		}
	case b.last:
		items = 1
		fallthrough
	default:
		content = len(b.data)
		s.underway(b.o, int64(content))
	}
	s.meter.went(content)
	return content, items
}

// underway counts n bytes of an item that has not ended. What comes after its end,
// of one that failed, is no progress. It is called with mu held.
func (s *sender) underway(o *outItem, n int64) {
	if !o.ended.Load() {
		o.moved += n
		s.meter.resumed(n)
	}
}
