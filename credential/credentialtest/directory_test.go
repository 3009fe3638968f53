package credentialtest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

func TestDirectoryRefusesWhatAzureRefuses(t *testing.T) {
	fic := func(name, subject string) credentialtest.FederatedCredential {
		return credentialtest.FederatedCredential{Name: name, Issuer: "https://i/", Subject: subject, Audience: credentialtest.ExchangeAudience}
	}
	for name, tt := range map[string]struct {
		do   func(*credentialtest.Directory) error
		want string
	}{
		"no name":               {func(d *credentialtest.Directory) error { return d.Federate(client, fic("", "s")) }, "needs a name"},
		"no subject":            {func(d *credentialtest.Directory) error { return d.Federate(client, fic("n", "")) }, "needs a name"},
		"the pair exists":       {func(d *credentialtest.Directory) error { return d.Federate(client, fic("other", "s-3")) }, `combination already exists as "n-3"`},
		"an unknown client":     {func(d *credentialtest.Directory) error { return d.Federate(kubelet, fic("n", "s")) }, "unknown client ID"},
		"removing what is not":  {func(d *credentialtest.Directory) error { return d.Unfederate(client, "nobody") }, `no federated credential "nobody"`},
		"removing from nobody":  {func(d *credentialtest.Directory) error { return d.Unfederate(kubelet, "n") }, "unknown client ID"},
		"the 21st":              {func(d *credentialtest.Directory) error { return d.Federate(client, fic("n-20", "s-20")) }, "too many"},
		"a replacement is fine": {func(d *credentialtest.Directory) error { return d.Federate(client, fic("n-3", "s-99")) }, ""},
		"one out, one in is fine": {func(d *credentialtest.Directory) error {
			return errors.Join(d.Unfederate(client, "n-3"), d.Federate(client, fic("n-20", "s-3")))
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := credentialtest.NewDirectory()
			d.Put(credentialtest.Identity{TenantID: tenant, ClientID: client})
			for i := range credentialtest.MaxFederatedCredentials {
				if err := d.Federate(strings.ToUpper(client), fic(fmt.Sprintf("n-%d", i), fmt.Sprintf("s-%d", i))); err != nil {
					t.Fatal(err)
				}
			}
			err := tt.do(d)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestDirectoryKnowsTenantsByTheirIdentities(t *testing.T) {
	d := credentialtest.NewDirectory()
	if _, err := d.Identity(t.Context(), tenant, client); !errors.Is(err, credentialtest.ErrUnknownTenant) {
		t.Errorf("empty: %v", err)
	}
	d.Put(identity())
	got, err := d.Identity(t.Context(), strings.ToUpper(tenant), strings.ToUpper(client))
	if err != nil || got.ObjectID != object {
		t.Errorf("%+v, %v", got, err)
	}
	got.Credentials[0].Subject = "changed by the caller"
	if again, _ := d.Identity(t.Context(), tenant, client); again.Credentials[0].Subject != subject {
		t.Error("a caller changed the directory")
	}
	if _, err := d.Identity(t.Context(), tenant, kubelet); !errors.Is(err, credentialtest.ErrUnknownClient) {
		t.Errorf("another client: %v", err)
	}
	d.Delete(client)
	d.Delete(client)
	if _, err := d.Identity(t.Context(), tenant, client); !errors.Is(err, credentialtest.ErrUnknownTenant) {
		t.Errorf("deleted: %v", err)
	}
}
