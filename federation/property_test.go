package federation_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
)

// hostile are parts of names that have broken tools before.
var hostile = []string{"a", "default", "../../etc", "..", "a.b.c", "ns_with_underscore", "UPPER", "é", "日本", "\u202egnp", "x\x00y", "-lead", "trail-",
	strings.Repeat("n", 63), strings.Repeat("s", 253), "a=", "a b", "system:serviceaccount", "$(rm)", "*"}

// randomFleet makes a fleet with shared, missing, mis-written and overfull everything.
func randomFleet(rng *rand.Rand) (*catalog.Catalog, federation.State) {
	cat, have := &catalog.Catalog{}, federation.State{}
	pick := func(s []string) string { return s[rng.IntN(len(s))] }
	for i := range 1 + rng.IntN(5) {
		c := cluster(fmt.Sprintf("aks_%d", i), pick([]string{"eastus", "westeurope"}), i)
		switch rng.IntN(8) {
		case 0:
			c.Issuer = ""
		case 1:
			c.Coverage.Complete = false
		case 2:
			c.Name = pick(hostile) + fmt.Sprint(i)
		}
		cat.Clusters = append(cat.Clusters, c)
	}
	var ids []catalog.Identity
	for i := range 1 + rng.IntN(4) {
		ids = append(ids, managed(fmt.Sprintf("id-%d", i)))
	}
	ids = append(ids, application("AAAAAAAA-0000-0000-0000-00000000000a"))
	seen := map[string]bool{}
	for range rng.IntN(60) {
		n := need(cat.Clusters[rng.IntN(len(cat.Clusters))].Name, pick([]string{"shop", "batch", pick(hostile)}), pick([]string{"api", "worker", fmt.Sprint("sa-", rng.IntN(30)), pick(hostile)}), ids[rng.IntN(len(ids))])
		key := fmt.Sprint(n.Cluster, "\x00", n.Namespace, "\x00", n.ServiceAccount, "\x00", n.Identity.Key())
		if !seen[key] {
			seen[key] = true
			cat.Needs = append(cat.Needs, n)
		}
	}
	for _, id := range ids {
		if rng.IntN(4) > 0 {
			have[id.Key()] = randomCredentials(rng, cat)
		}
	}
	return cat, have
}

// randomCredentials are what Azure could hold: legal, unique by name and by pair, at most twenty.
func randomCredentials(rng *rand.Rand, cat *catalog.Catalog) []federation.Credential {
	out, names, pairs := []federation.Credential{}, map[string]bool{}, map[string]bool{}
	add := func(c federation.Credential) {
		key := c.Issuer + "\x00" + c.Subject
		if !names[strings.ToLower(c.Name)] && !pairs[key] && len(out) < federation.MaxCredentials {
			names[strings.ToLower(c.Name)], pairs[key] = true, true
			out = append(out, c)
		}
	}
	for i := range rng.IntN(22) {
		cl := cat.Clusters[rng.IntN(len(cat.Clusters))]
		c := federation.Credential{Name: fmt.Sprintf("hand-%d", i), Issuer: cl.Issuer, Audience: federation.DefaultAudience,
			Subject: federation.Subject("shop", fmt.Sprint("sa-", rng.IntN(30)))}
		if len(cat.Needs) > 0 && rng.IntN(2) == 0 {
			n := cat.Needs[rng.IntN(len(cat.Needs))]
			c.Subject = federation.Subject(n.Namespace, n.ServiceAccount)
			if rng.IntN(2) == 0 {
				c.Name = federation.CredentialName("", n.Cluster, n.Namespace, n.ServiceAccount)
			}
		}
		switch rng.IntN(8) {
		case 0:
			c.Issuer = issuer("eastus", 100+rng.IntN(5))
		case 1:
			c.Issuer = strings.TrimSuffix(c.Issuer, "/")
		case 2:
			c.Issuer, c.Subject = "https://token.actions.githubusercontent.com", "repo:o/r:"+fmt.Sprint(i)
		case 3:
			c.Audience = "api://other"
		}
		add(c)
	}
	if rng.IntN(3) == 0 {
		add(federation.Credential{Name: federation.IdentityBindingName, Issuer: "https://ib.oic.prod-aks.azure.com/t/c", Subject: "system:serviceaccount:a:b", Audience: "api://AKSIdentityBinding"})
	}
	return out
}

// obey plays a plan on paper as Azure would, one change at a time, and returns the first breach of a rule.
func obey(p *federation.Plan, have federation.State) (federation.State, error) {
	after := federation.State{}
	for key, c := range have {
		after[key] = slices.Clone(c)
	}
	for id, changes := range p.ByIdentity() {
		for _, c := range changes {
			if id.Blocked != "" {
				break
			}
			if err := play(after, id.Identity.Key(), c); err != nil {
				return nil, fmt.Errorf("%s %+v: %w", c.Action, c.Credential, err)
			}
		}
	}
	return after, nil
}

func play(state federation.State, key string, c federation.Change) error {
	list := state[key]
	at := slices.IndexFunc(list, func(x federation.Credential) bool { return strings.EqualFold(x.Name, c.Credential.Name) })
	switch c.Action {
	case federation.Keep:
		if at < 0 || list[at] != c.Credential {
			return errors.New("keeps what is not there")
		}
		return nil
	case federation.Delete:
		if at < 0 || list[at] != *c.Before {
			return errors.New("deletes what is not there")
		}
		state[key] = slices.Delete(list, at, at+1)
		return nil
	case federation.Replace:
		if at < 0 || list[at] != *c.Before {
			return errors.New("replaces what is not there")
		}
		list = slices.Delete(list, at, at+1)
	case federation.Create:
		if at >= 0 {
			return errors.New("overwrites a credential")
		}
	}
	if err := c.Credential.Validate(); err != nil {
		return err
	}
	for _, x := range list {
		if x.Issuer == c.Credential.Issuer && x.Subject == c.Credential.Subject {
			return errors.New("the pair is there under the name " + x.Name)
		}
	}
	if list = append(list, c.Credential); len(list) > federation.MaxCredentials {
		return errors.New("more than twenty")
	}
	state[key] = list
	return nil
}

var propertyOptions = []*federation.PlanOptions{
	nil, {Prune: true}, {Rebuilt: federation.AddThenRemove}, {ReplaceAudience: true, Prune: true},
	{Topology: federation.PerWorkload()}, {Topology: federation.PerCluster(), Prune: true},
}

func TestPlansObeyAzureKeepWhatIsOthersAndConverge(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 7))
		cat, have := randomFleet(rng)
		for n, opts := range propertyOptions {
			p := mustPlan(t, cat, have, opts)
			after, err := obey(p, have)
			if err != nil {
				t.Fatalf("seed %d, options %d: %v", seed, n, err)
			}
			checkWanted(t, seed, cat, p, after, opts)
			checkForeign(t, seed, p, have, after)
			if again := mustPlan(t, cat, after, opts); !blocked(p) {
				for c := range again.Pending() {
					t.Fatalf("seed %d, options %d: still pending: %s %+v: %s", seed, n, c.Action, c.Credential, c.Why)
				}
			}
			checkShuffled(t, rng, cat, have, opts, p)
		}
	}
}

func blocked(p *federation.Plan) bool {
	return slices.ContainsFunc(p.Identities, func(id federation.IdentityPlan) bool { return id.Blocked != "" })
}

// checkWanted: every need that can be federated is, byte for byte, unless a finding says why not.
func checkWanted(t *testing.T, seed uint64, cat *catalog.Catalog, p *federation.Plan, after federation.State, opts *federation.PlanOptions) {
	t.Helper()
	if opts == nil {
		opts = &federation.PlanOptions{}
	}
	ids := opts.Topology.Identities(cat, "")
	excused := map[string]bool{}
	for _, f := range p.Findings {
		if f.Code == federation.WrongAudience {
			excused[f.Cluster+"/"+f.Namespace] = true
		}
	}
	for _, id := range p.Identities {
		if id.Blocked != "" {
			excused[id.Identity.Key()] = true
		}
	}
	for i, n := range cat.Needs {
		at := slices.IndexFunc(cat.Clusters, func(c catalog.Cluster) bool { return c.Name == n.Cluster })
		want := federation.Triple{Issuer: cat.Clusters[at].Issuer, Subject: federation.Subject(n.Namespace, n.ServiceAccount), Audience: federation.DefaultAudience}
		if want.Validate() != nil || excused[ids[i].Key()] || excused[n.Cluster+"/"+n.Namespace] {
			continue
		}
		if !slices.ContainsFunc(after[ids[i].Key()], func(c federation.Credential) bool { return c.Triple() == want }) {
			t.Fatalf("seed %d: %s does not trust %+v", seed, ids[i].ID(), want)
		}
	}
}

// checkForeign: what we could not have made is as it was.
func checkForeign(t *testing.T, seed uint64, p *federation.Plan, have, after federation.State) {
	t.Helper()
	touched := map[federation.Credential]bool{}
	for c := range p.Pending() {
		if c.Before != nil {
			touched[*c.Before] = true
			if c.Before.Name == federation.IdentityBindingName || !strings.HasPrefix(c.Before.Name, "wimigrate-") && c.Before.Audience == federation.DefaultAudience {
				t.Fatalf("seed %d: %s touches a credential of others: %+v", seed, c.Action, *c.Before)
			}
		}
	}
	for key, list := range have {
		for _, c := range list {
			if !touched[c] && !slices.Contains(after[key], c) {
				t.Fatalf("seed %d: %+v is gone", seed, c)
			}
		}
	}
}

func checkShuffled(t *testing.T, rng *rand.Rand, cat *catalog.Catalog, have federation.State, opts *federation.PlanOptions, want *federation.Plan) {
	t.Helper()
	other := &catalog.Catalog{Clusters: slices.Clone(cat.Clusters), Needs: slices.Clone(cat.Needs)}
	rng.Shuffle(len(other.Clusters), func(i, j int) { other.Clusters[i], other.Clusters[j] = other.Clusters[j], other.Clusters[i] })
	rng.Shuffle(len(other.Needs), func(i, j int) { other.Needs[i], other.Needs[j] = other.Needs[j], other.Needs[i] })
	state := federation.State{}
	for key, list := range have {
		state[key] = slices.Clone(list)
		rng.Shuffle(len(list), func(i, j int) { state[key][i], state[key][j] = state[key][j], state[key][i] })
	}
	a, _ := json.Marshal(want)
	b, _ := json.Marshal(mustPlan(t, other, state, opts))
	if string(a) != string(b) {
		t.Fatalf("shuffled input gives another plan:\n%s\n%s", a, b)
	}
}
