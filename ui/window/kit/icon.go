package kit

import (
	"bytes"
	"embed"
	"fmt"
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/widget"
)

//go:embed icons/*.svg
var icons embed.FS

// Glyph is one of Ferry's icons. All are drawn with one stroke width, but the
// ferry and the phone of the crossing, which are silhouettes.
type Glyph string

const (
	Contacts  Glyph = "contacts"
	Messages  Glyph = "messages"
	Calls     Glyph = "calls"
	Calendar  Glyph = "calendar"
	Photos    Glyph = "photos"
	Videos    Glyph = "videos"
	Music     Glyph = "music"
	Documents Glyph = "documents"
	Apps      Glyph = "apps"
	Settings  Glyph = "settings"

	Phone    Glyph = "handset"
	Computer Glyph = "computer"
	Boat     Glyph = "boat"
	Send     Glyph = "send"
	Receive  Glyph = "receive"
	WiFi     Glyph = "wifi"
	History  Glyph = "history"
	Help     Glyph = "help"
	Info     Glyph = "info"
	Folder   Glyph = "folder"
	Receipt  Glyph = "receipt"
	Warning  Glyph = "warning"
	Cross    Glyph = "cross"
	Check    Glyph = "check"
	Eraser   Glyph = "eraser"
	LostLink Glyph = "lostlink"
	Pause    Glyph = "pause"
	Back     Glyph = "back"
	Chevron  Glyph = "chevron"

	boxOn    Glyph = "boxon"
	boxOff   Glyph = "boxoff"
	boxSome  Glyph = "boxsome"
	radioOn  Glyph = "radioon"
	radioOff Glyph = "radiooff"

	ferryShape Glyph = "ferry"
	phoneShape Glyph = "phone"
)

// svg returns the icon in a colour. An icon that there is none of is empty.
func (g Glyph) svg(c color.Color) *fyne.StaticResource {
	b, err := icons.ReadFile("icons/" + string(g) + ".svg")
	if err != nil {
		return nil
	}
	n := color.NRGBAModel.Convert(c).(color.NRGBA)
	hex := fmt.Sprintf("#%02X%02X%02X", n.R, n.G, n.B)
	return fyne.NewStaticResource(string(g)+"-"+hex[1:]+".svg", bytes.ReplaceAll(b, []byte("#000000"), []byte(hex)))
}

// AppIcon returns the program's icon.
func AppIcon() fyne.Resource {
	b, err := icons.ReadFile("icons/app.svg")
	if err != nil {
		return nil
	}
	return fyne.NewStaticResource("app.svg", b)
}

// Icon shows a glyph in a colour of the theme.
type Icon struct {
	widget.BaseWidget
	glyph Glyph
	color fyne.ThemeColorName
	side  float32
}

// NewIcon makes an icon; an empty glyph is an empty place.
func NewIcon(g Glyph, c fyne.ThemeColorName, side float32) *Icon {
	i := &Icon{glyph: g, color: c, side: side}
	i.ExtendBaseWidget(i)
	return i
}

// Set changes the icon.
func (i *Icon) Set(g Glyph, c fyne.ThemeColorName) {
	if i.glyph != g || i.color != c {
		i.glyph, i.color = g, c
		i.Refresh()
	}
}

// CreateRenderer implements [fyne.Widget].
func (i *Icon) CreateRenderer() fyne.WidgetRenderer {
	img := &canvas.Image{FillMode: canvas.ImageFillContain}
	return newDrawn(drawn{
		widget: i, objects: []fyne.CanvasObject{img},
		layout: func(s fyne.Size) { img.Resize(s) },
		least:  func() fyne.Size { return fyne.NewSquareSize(i.side) },
		paint: func() {
			res := i.glyph.svg(hue(i, i.color))
			if img.Hidden = res == nil; img.Hidden {
				return
			}
			if img.Resource == nil || img.Resource.Name() != res.StaticName {
				img.Resource = res
			}
		},
	})
}
