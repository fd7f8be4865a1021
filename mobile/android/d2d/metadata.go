package d2d

import (
	"io"

	"github.com/ferry-move/ferry/mobile/android/pm"
)

// platform is the API level that the metadata names. Nothing decides by it.
const platform = 35

// metadata writes the entities of the metadata package.
func (t *Transport) metadata(w io.Writer) error {
	m := pm.NewWriter(w)
	if err := m.Global(pm.Global{SDK: platform, Build: t.Name()}); err != nil {
		return err
	}
	for _, a := range t.meta {
		app := pm.App{Version: a.Version}
		for _, s := range a.Signatures {
			app.Signers = append(app.Signers, pm.Hash(s))
		}
		if err := m.App(a.Name, app); err != nil {
			return err
		}
	}
	return m.Close()
}
