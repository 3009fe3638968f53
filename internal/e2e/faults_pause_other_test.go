//go:build !unix

package e2e_test

import (
	"testing"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
)

var sleepers []int

func pausedProcesses(t *testing.T, _ *fleet.Fleet, _ map[string]*cutover.Plan) {
	t.Skip("no signal stops a process here")
}
