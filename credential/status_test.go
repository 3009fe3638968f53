package credential_test

import (
	"testing"
	"testing/synctest"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

func TestStatusCountsTokensAndCallersWithoutOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, credentialtest.EntraOptions{})
		w.federate(t)
		cred := w.workload(t, nil)
		for range 3 { // the second and the third come from the cache
			if _, err := cred.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{scope}}); err != nil {
				t.Fatal(err)
			}
		}
		w.entra.SetRule(credentialtest.Always(credentialtest.Answer{Code: 90002}))
		if _, err := cred.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"https://other.example/.default"}}); err == nil {
			t.Fatal("a token in spite of the rule")
		}
		if s := cred.Status(); s.Taken != 1 || s.Failed != 1 {
			t.Errorf("taken %d, failed %d; want 1 and 1", s.Taken, s.Failed)
		}
	})
}
