package credential_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/wimigrate/wimigrate/credential"
	"github.com/wimigrate/wimigrate/internal/survivaltest"
)

func noEnv(string) (string, bool) { return "", false }

func makeOurs(seed uint64) survivaltest.Maker {
	return func(clientID string, endpoint policy.Transporter) (azcore.TokenCredential, error) {
		return credential.New(&credential.Options{
			Path: credential.PodIdentity, ClientID: clientID, IMDSTransport: endpoint, LookupEnv: noEnv,
			Rand: rand.New(rand.NewPCG(seed, 1)).Float64,
		})
	}
}

func makeBare(clientID string, endpoint policy.Transporter) (azcore.TokenCredential, error) {
	return azidentity.NewManagedIdentityCredential(&azidentity.ManagedIdentityCredentialOptions{
		ClientOptions: azcore.ClientOptions{Transport: endpoint}, ID: azidentity.ClientID(clientID)})
}

// measure runs all cells of one credential, each in a bubble of its own.
func measure(t *testing.T, lab *survivaltest.Lab, maker survivaltest.Maker) []survivaltest.Cell {
	t.Helper()
	var cells []survivaltest.Cell
	for _, row := range survivaltest.Rows() {
		for _, window := range survivaltest.Windows() {
			synctest.Test(t, func(t *testing.T) {
				cell, err := lab.Measure(t.Context(), row.Behaviour, window, row.RetryAfter, maker)
				if err != nil {
					t.Fatal(err)
				}
				cells = append(cells, cell)
			})
		}
	}
	return cells
}

func TestEveryStartUpFailureIsSurvivedAndNoticedWithinTwoSeconds(t *testing.T) {
	t.Parallel()
	lab, err := survivaltest.NewLab()
	if err != nil {
		t.Fatal(err)
	}
	cells := measure(t, lab, makeOurs(1))
	for _, c := range cells {
		if !c.Survived {
			t.Errorf("%s for %s: %v", c.Behaviour, c.Window, c.Err)
		}
		if c.Late > 2*time.Second {
			t.Errorf("%s for %s: %s late", c.Behaviour, c.Window, c.Late)
		}
		if limit := 8 + int(c.Window/time.Second); c.Requests > limit {
			t.Errorf("%s for %s: %d requests hammer the source, want at most %d", c.Behaviour, c.Window, c.Requests, limit)
		}
	}
	logTable(t, "wimigrate", cells)
}

func TestBareAzidentityDoesNotSurvive(t *testing.T) {
	lab, err := survivaltest.NewLab()
	if err != nil {
		t.Fatal(err)
	}
	cells := measure(t, lab, makeBare)
	logTable(t, "azidentity", cells)
	survived, latest := survivaltest.Summary(cells)
	if survived == len(cells) && latest <= 2*time.Second {
		t.Error("azidentity survives everything in time: this package has no reason to exist any more")
	}
}

func logTable(t *testing.T, title string, cells []survivaltest.Cell) {
	t.Helper()
	var b strings.Builder
	if err := survivaltest.WriteTable(&b, title, cells); err != nil {
		t.Fatal(err)
	}
	survived, latest := survivaltest.Summary(cells)
	t.Logf("\n%s%d of %d survived, at most %s late", b.String(), survived, len(cells), latest)
}
