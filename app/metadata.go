package main

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/ui/window"
)

// id is FyneApp.toml's.
const id = "app.ferry.Ferry"

// Variables are set before any init runs, so what a packaging tool has written
// from FyneApp.toml wins over this. Migrations are left out on purpose: a plain
// build keeps Fyne's check that only its own goroutine draws.
var _ = metadata()

func metadata() struct{} {
	app.SetMetadata(fyne.AppMetadata{ID: id, Name: "Ferry", Version: session.Version, Build: 1, Icon: window.Icon()})
	return struct{}{}
}
