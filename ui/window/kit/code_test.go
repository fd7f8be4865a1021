package kit

import (
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/test"

	"github.com/ferry-move/ferry/ui/window/kit/kittest"
)

func TestCodeShowsDigitsOnly(t *testing.T) {
	_, p := screen(t, Look{})
	for in, want := range map[string]string{
		"742 9163":                         "742 9163",
		"742\n9\u202e163\x1b\x00":          "7429163",
		strings.Repeat("8", 10<<10) + "\n": "888888888",
	} {
		p.Show(NewCode(in))
		var got string
		widths := map[int]bool{}
		for _, x := range kittest.Find[*canvas.Text](p.Root) {
			got += x.Text
			widths[int(x.Size().Width+0.5)] = true
		}
		if got != want || len(widths) != 1 {
			t.Errorf("%.20q is shown as %q in %d widths", in, got, len(widths))
		}
	}
}

func TestCodeField(t *testing.T) {
	for in, want := range map[string]string{
		"742 916 1": "7429161", "7429161": "7429161", "742-9161": "7429161", " 7\u00a042\n9161 ": "7429161", "742 91": "74291",
		"12345678901": "1234567", "words": "", "\u0667\u0664": "74", strings.Repeat("x", 1<<20) + "7": "7",
	} {
		w, p := screen(t, Look{})
		f := NewCodeField("Code")
		p.Show(f)
		var done []string
		f.Done = func(s string) { done = append(done, s) }
		test.Tap(f)
		if w.Canvas().Focused() != f {
			t.Fatal("a tap does not give the focus")
		}
		clip := fyne.CurrentApp().Clipboard()
		clip.SetContent(in)
		f.TypedShortcut(&fyne.ShortcutPaste{Clipboard: clip})
		if f.Digits() != want || f.Complete() != (len(want) == CodeLen) || (len(done) == 1) != f.Complete() {
			t.Errorf("%.20q becomes %q; done %q", in, f.Digits(), done)
		}
		f.Clear()
		test.Type(f, in[max(0, len(in)-20):])
		if len(in) <= 20 && f.Digits() != want {
			t.Errorf("%.20q, typed, becomes %q", in, f.Digits())
		}
	}
}

func TestCodeFieldProblem(t *testing.T) {
	_, p := screen(t, Look{})
	f := NewCodeField("Code")
	p.Show(f)
	n := 0
	f.Done = func(string) { n++ }
	f.TypedKey(key(fyne.KeyEnter)) // not complete
	f.Paste("7429161")
	f.TypedKey(key(fyne.KeyEnter))
	if n != 2 {
		t.Errorf("done %d times", n)
	}
	low := f.MinSize().Height
	f.SetProblem("That is not the code on the new phone.")
	if !strings.Contains(kittest.Texts(p.Root), "That is not the code") || f.MinSize().Height <= low {
		t.Error("the problem is not shown, or has no room")
	}
	f.Paste("words")
	f.TypedRune('x')
	if !strings.Contains(kittest.Texts(p.Root), "That is not the code") {
		t.Error("the problem is gone before a digit changed")
	}
	f.TypedKey(key(fyne.KeyBackspace))
	if f.Digits() != "742916" || strings.Contains(kittest.Texts(p.Root), "That is not the code") {
		t.Errorf("after a Backspace there is %q, and the problem", f.Digits())
	}
}

// A code may be typed and pasted in the digits of any script, as package pairing
// reads them; what is no code at all goes elsewhere.
func TestCodeFieldTakes(t *testing.T) {
	_, p := screen(t, Look{})
	f := NewCodeField("Code")
	p.Show(f)
	f.Paste("٧٤٢ ९१६ 𝟙")
	if f.Digits() != "7429161" {
		t.Errorf("digits of other scripts are %q", f.Digits())
	}
	f.Clear()
	f.TypedRune('٧')
	if f.Digits() != "7" {
		t.Errorf("a typed digit of another script is %q", f.Digits())
	}
	f.Other = func(s string) bool { return s == "link:1234567" }
	f.Paste("link:1234567")
	if f.Digits() != "7" {
		t.Errorf("what is no code became %q", f.Digits())
	}
	f.Paste("742")
	if f.Digits() != "742" {
		t.Errorf("what may be a code became %q", f.Digits())
	}
}

func TestQRIsBlackOnWhiteInEveryTheme(t *testing.T) {
	img := QR("ferry:" + strings.Repeat("a", 100))
	b := img.Image.Bounds()
	if r, _, _, _ := img.Image.At(0, 0).RGBA(); r != 0xFFFF {
		t.Error("the border is not white")
	}
	if r, _, _, _ := img.Image.At(qrQuiet, qrQuiet).RGBA(); r != 0 {
		t.Error("the corner is not black")
	}
	if img.ScaleMode != canvas.ImageScalePixels || img.MinSize().Width < 2*float32(b.Dx()) {
		t.Errorf("scale mode %v, %v for %d modules", img.ScaleMode, img.MinSize(), b.Dx())
	}
	if QR(strings.Repeat("x", 10<<10)) != nil {
		t.Error("a text that is too long became a picture")
	}
}
