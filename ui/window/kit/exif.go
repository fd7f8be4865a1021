package kit

import (
	"encoding/binary"
	"image"
	"io"
)

// orientation is how a camera was held, as EXIF counts it: 1 to 8.
type orientation uint16

const upright orientation = 1

// maxExif is how far into a JPEG the orientation is looked for.
const maxExif = 256 << 10

// readOrientation finds the orientation in a JPEG:
//
//	FF D8 | FF marker, length (2, with itself), data … | FF DA …
//	APP1 (FF E1): "Exif" 0 0 | "II*"0 or "MM"0"*" | offset (4) of the first table
//	table: entries (2) | tag (2), type (2), count (4), value (4) …
//
// Anything that is not as it should be makes the picture upright.
func readOrientation(r io.Reader) orientation {
	b, err := io.ReadAll(io.LimitReader(r, maxExif))
	if err != nil || len(b) < 4 || b[0] != 0xFF || b[1] != 0xD8 {
		return upright
	}
	for b = b[2:]; len(b) >= 4 && b[0] == 0xFF && b[1] != 0xDA; {
		n := int(binary.BigEndian.Uint16(b[2:]))
		if n < 2 || n+2 > len(b) {
			return upright
		}
		if data := b[4 : n+2]; b[1] == 0xE1 && len(data) > 6 && string(data[:6]) == "Exif\x00\x00" {
			return parseTIFF(data[6:])
		}
		b = b[n+2:]
	}
	return upright
}

func parseTIFF(b []byte) orientation {
	const entry, tagOrientation, typeShort = 12, 0x0112, 3
	if len(b) < 8 {
		return upright
	}
	var order binary.ByteOrder
	switch string(b[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return upright
	}
	at := uint64(order.Uint32(b[4:]))
	if at+2 > uint64(len(b)) {
		return upright
	}
	n := order.Uint16(b[at:])
	for b = b[at+2:]; n > 0 && len(b) >= entry; n-- {
		if order.Uint16(b) == tagOrientation && order.Uint16(b[2:]) == typeShort && order.Uint32(b[4:]) == 1 {
			if o := orientation(order.Uint16(b[8:])); o >= 1 && o <= 8 {
				return o
			}
			return upright
		}
		b = b[entry:]
	}
	return upright
}

// turn makes a picture upright.
func (o orientation) turn(in *image.RGBA) *image.RGBA {
	if o == upright {
		return in
	}
	w, h := in.Rect.Dx(), in.Rect.Dy()
	outW, outH := w, h
	if o >= 5 {
		outW, outH = h, w
	}
	out := image.NewRGBA(image.Rect(0, 0, outW, outH))
	for y := range outH {
		for x := range outW {
			u, v := x, y
			switch o {
			case 2:
				u = w - 1 - x
			case 3:
				u, v = w-1-x, h-1-y
			case 4:
				v = h - 1 - y
			case 5:
				u, v = y, x
			case 6:
				u, v = y, h-1-x
			case 7:
				u, v = w-1-y, h-1-x
			case 8:
				u, v = w-1-y, x
			}
			out.SetRGBA(x, y, in.RGBAAt(u, v))
		}
	}
	return out
}
