// Survival shows who gets a token when a pod starts before its token source is ready:
// bare azidentity and package credential, through every way in which NMI and the
// metadata endpoint are known to fail, for 1 to 170 seconds each.
//
//	go run ./examples/survival
//
// Real credentials send real requests to the doubles of package credentialtest. The
// clock is that of a testing/synctest bubble, so hours pass in seconds.
package main

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/wimigrate/wimigrate/credential"
	"github.com/wimigrate/wimigrate/internal/survivaltest"
)

func main() {
	flags := flag.NewFlagSet("survival", flag.ExitOnError)
	drawing := flags.String("svg", filepath.Join(os.TempDir(), "survival.svg"), "`file` to draw the tables in")
	seed := flags.Uint64("seed", 1, "seed of the jitter of package credential")
	_ = flags.Parse(os.Args[1:]) //nolint:errcheck // it exits
	// A bubble needs a *testing.T; Main makes one outside of go test. It looks for flags of its own.
	os.Args = os.Args[:1]
	all := func(string, string) (bool, error) { return true, nil }
	testing.Main(all, []testing.InternalTest{{Name: "survival", F: func(t *testing.T) {
		if err := run(t, *drawing, *seed); err != nil {
			t.Fatal(err)
		}
	}}}, nil, nil)
}

func run(t *testing.T, drawing string, seed uint64) error {
	lab, err := survivaltest.NewLab()
	if err != nil {
		return err
	}
	panels := []survivaltest.Panel{{Title: "azidentity"}, {Title: "wimigrate"}}
	for i, maker := range []survivaltest.Maker{bare, ours(seed)} {
		if panels[i].Cells, err = measure(t, lab, maker); err != nil {
			return err
		}
		if err := survivaltest.WriteTable(os.Stdout, panels[i].Title, panels[i].Cells); err != nil {
			return err
		}
		survived, latest := survivaltest.Summary(panels[i].Cells)
		fmt.Printf("%s: %d of %d survived, at most %.1f s late\n\n", panels[i].Title, survived, len(panels[i].Cells), latest.Seconds())
	}
	fmt.Println("In a cell: time to the token, +delay after the source's recovery, (requests).")
	fmt.Println("Where the source sends Retry-After, the delay counts from the moment that permits.")
	file, err := os.Create(drawing) // #nosec G304 -- the user's choice
	if err != nil {
		return err
	}
	if err := survivaltest.WriteSVG(file, panels...); err != nil {
		return errors.Join(err, file.Close())
	}
	fmt.Println("drawn in", drawing)
	return file.Close()
}

// bare is azidentity's credential as most programs build it.
func bare(clientID string, endpoint policy.Transporter) (azcore.TokenCredential, error) {
	return azidentity.NewManagedIdentityCredential(&azidentity.ManagedIdentityCredentialOptions{
		ClientOptions: azcore.ClientOptions{Transport: endpoint}, ID: azidentity.ClientID(clientID)})
}

func ours(seed uint64) survivaltest.Maker {
	return func(clientID string, endpoint policy.Transporter) (azcore.TokenCredential, error) {
		return credential.New(&credential.Options{
			Path: credential.PodIdentity, ClientID: clientID, IMDSTransport: endpoint,
			Rand: rand.New(rand.NewPCG(seed, 0)).Float64, // #nosec G404 -- jitter
		})
	}
}

// measure runs every cell in a bubble of its own.
func measure(t *testing.T, lab *survivaltest.Lab, maker survivaltest.Maker) (cells []survivaltest.Cell, failed error) {
	for _, row := range survivaltest.Rows() {
		for _, window := range survivaltest.Windows() {
			synctest.Test(t, func(t *testing.T) {
				cell, err := lab.Measure(t.Context(), row.Behaviour, window, row.RetryAfter, maker)
				cells, failed = append(cells, cell), errors.Join(failed, err)
			})
		}
	}
	return cells, failed
}
