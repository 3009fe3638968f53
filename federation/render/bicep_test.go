package render_test

import (
	"testing"

	"github.com/wimigrate/wimigrate/federation/render"
)

func TestBicepGolden(t *testing.T) {
	cat := fleet()
	plan := planOf(t, cat, state(cat), nil)
	for name, opts := range map[string]*render.BicepOptions{"bicep-default": nil, "bicep-literal": {Issuer: render.IssuerLiteral}} {
		files, err := render.Bicep(plan, cat, opts)
		if got := reasons(t, err); len(got) != 1 {
			t.Errorf("left out %q", got)
		}
		golden(t, name, files)
		lintClean(t, files, opts != nil)
	}
}
