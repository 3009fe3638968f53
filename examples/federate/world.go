package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/catalog/catalogtest"
	"github.com/wimigrate/wimigrate/federation"
)

// world is what a plan starts from.
type world struct {
	catalog *catalog.Catalog
	// have is what identities trust today, for the double alone: Azure is asked.
	have  federation.State
	cloud string
}

func read(ctx context.Context, file string) (world, error) {
	if file == "" {
		return sample()
	}
	fleet, err := catalog.LoadFleet(file)
	if err != nil {
		return world{}, err
	}
	w := world{cloud: fleet.Cloud}
	text, err := fleet.ReadFederatedCredentials()
	if err != nil {
		return w, err
	}
	if text != nil {
		if w.have, err = federation.ReadState(text); err != nil {
			return w, fmt.Errorf("%s: %w", fleet.FederatedCredentials, err)
		}
	}
	w.catalog, err = catalog.Scan(ctx, fleet.Sources(nil), nil)
	return w, err
}

// sample is the healthy part of a small fleet in two regions. One identity trusts the issuer that a cluster had before it was rebuilt.
func sample() (world, error) {
	cat, err := catalog.Reconcile(catalogtest.Small().Snapshots, nil)
	if err != nil {
		return world{}, err
	}
	small := &catalog.Catalog{Clusters: cat.Clusters}
	for _, n := range cat.Needs {
		if strings.HasPrefix(n.Namespace, "clean-") {
			small.Needs = append(small.Needs, n)
		}
	}
	n := small.Needs[0]
	return world{catalog: small, have: federation.State{n.Identity.Key(): {{
		Name:   federation.CredentialName("", n.Cluster, n.Namespace, n.ServiceAccount),
		Issuer: "https://eastus.oic.prod-aks.azure.com/before/the-rebuild/", Subject: federation.Subject(n.Namespace, n.ServiceAccount),
		Audience: federation.DefaultAudience,
	}}}}, nil
}
