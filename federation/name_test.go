package federation_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/wimigrate/wimigrate/federation"
)

// legal is Azure's own pattern for the name of a federated credential.
var legal = regexp.MustCompile(`^[a-zA-Z0-9]{1}[a-zA-Z0-9-_]{2,119}$`)

func TestCredentialNamesAreLegalAndNeverShared(t *testing.T) {
	parts := append([]string{"", "b", "a_b", "b_c", "c", "a-b", strings.Repeat("n", 200), strings.Repeat("n", 200) + "x", "nnn.n", "nnn-n"}, hostile...)
	seen := map[string][3]string{}
	for _, cluster := range parts {
		for _, namespace := range parts {
			for _, account := range parts {
				name := federation.CredentialName("", cluster, namespace, account)
				if !legal.MatchString(name) {
					t.Fatalf("%q is not legal", name)
				}
				if !strings.HasPrefix(name, "wimigrate-") {
					t.Fatalf("%q does not have the prefix", name)
				}
				of := [3]string{cluster, namespace, account}
				if other, ok := seen[name]; ok && other != of {
					t.Fatalf("%q and %q share the name %q", other, of, name)
				}
				seen[name] = of
			}
		}
	}
	t.Logf("%d names, all legal, all distinct", len(seen))
}

func TestCredentialNameIsReadableWhereItCanBe(t *testing.T) {
	for in, want := range map[[3]string]string{
		{"aks-eastus-01", "payments", "api"}: "wimigrate-aks-eastus-01_payments_api",
		{"AKS_1", "default", "default"}:      "wimigrate-AKS_1_default_default",
	} {
		if got := federation.CredentialName("", in[0], in[1], in[2]); got != want {
			t.Errorf("%v: %s, want %s", in, got, want)
		}
	}
	if got := federation.CredentialName("blue", "aks", "ns", "sa.v2"); !strings.HasPrefix(got, "blue-aks_ns_sa-v2_") {
		t.Errorf("a mended name is %s", got)
	}
}

func FuzzCredentialName(f *testing.F) {
	for _, h := range hostile {
		f.Add("aks", h, "default")
		f.Add(h, "ns", h)
	}
	f.Add(strings.Repeat("0", 97), "\x00", "0")
	f.Add("\x01", "\x00\x02", strings.Repeat("0", 120))
	f.Fuzz(func(t *testing.T, cluster, namespace, account string) {
		name := federation.CredentialName("", cluster, namespace, account)
		if !legal.MatchString(name) {
			t.Errorf("%q is not legal", name)
		}
		if again := federation.CredentialName("", cluster, namespace, account); again != name {
			t.Errorf("%q, then %q", name, again)
		}
		// Moving a character across a border is another service account, so it is another name.
		if namespace != "" && federation.CredentialName("", cluster+namespace[:1], namespace[1:], account) == name {
			t.Errorf("%q is shared across a border", name)
		}
	})
}

// FuzzIssuer plans for any issuer: nothing panics, and no credential goes out that breaks a rule.
func FuzzIssuer(f *testing.F) {
	for _, s := range []string{issuer("eastus", 1), strings.TrimSuffix(issuer("eastus", 1), "/"), "https://oidc.prod-aks.azure.com/guid/", "http://x", " https://x/", "https://", "https://x/\n", "https://*.x/", strings.Repeat("h", 700)} {
		f.Add(s, issuer("westeurope", 2))
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		cat := one()
		cat.Clusters[0].Issuer = a
		have := federation.State{managed("id-cart").Key(): {{Name: derived, Issuer: b, Subject: "system:serviceaccount:shop:cart", Audience: federation.DefaultAudience}}}
		p := mustPlan(t, cat, have, &federation.PlanOptions{Prune: true})
		if _, err := obey(p, have); err != nil {
			t.Error(err)
		}
		if len(p.Changes) == 0 && len(p.Findings) == 0 {
			t.Error("neither a change nor a finding")
		}
	})
}
