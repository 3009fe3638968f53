package main

import (
	"crypto/sha256"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

const (
	tenant       = "72f988bf-0000-4000-8000-2d7cd011db47"
	subscription = "6f1d2c3b-0000-4000-8000-94a1c5e7d200"
)

// cluster is one cluster of the made-up fleet with the objects that were put into it.
type cluster struct {
	name, region string
	objects      map[string][]object // by the file they are dumped to
}

func newCluster(region string, n int) *cluster {
	c := &cluster{name: fmt.Sprintf("aks-%s-%02d", region, n), region: region, objects: map[string][]object{}}
	for _, name := range []string{"kube-system", "default"} {
		c.namespace(name)
	}
	c.nmi()
	for i := range 3 {
		c.node(fmt.Sprintf("aks-system-%s-vmss%06d", short(c.name), i))
	}
	return c
}

func (c *cluster) resourceID() string {
	return fmt.Sprintf("/subscriptions/%s/resourceGroups/rg-%s/providers/Microsoft.ContainerService/managedClusters/%s", subscription, c.region, c.name)
}

func (c *cluster) issuer() string {
	return fmt.Sprintf("https://%s.oic.prod-aks.azure.com/%s/%s/", c.region, tenant, guid("issuer "+c.name))
}

func (c *cluster) dumps() iter.Seq2[string, []object] {
	return func(yield func(string, []object) bool) {
		for _, file := range slices.Sorted(maps.Keys(c.objects)) {
			if !yield(file, c.objects[file]) {
				return
			}
		}
	}
}

// add puts an object into the dump that kubectl would have written it to.
func (c *cluster) add(o object) object {
	kind := strings.ToLower(o["kind"].(string))
	file := kind + "s"
	if cut, ok := strings.CutSuffix(kind, "y"); ok && !strings.HasSuffix(cut, "a") {
		file = cut + "ies"
	} else if strings.HasSuffix(kind, "ss") {
		file = kind + "es"
	}
	c.objects[file] = append(c.objects[file], o)
	return o
}

// identityID is the resource ID of a user-assigned identity of the cluster's region.
func (c *cluster) identityID(name string) string { return identityID(c.region, name) }

func identityID(region, name string) string {
	return fmt.Sprintf("/subscriptions/%s/resourceGroups/rg-identities-%s/providers/Microsoft.ManagedIdentity/userAssignedIdentities/%s",
		subscription, region, name)
}

// guid derives a GUID from a text, so that the fleet is the same each time it is written.
func guid(of string) string {
	h := fmt.Sprintf("%x", sha256.Sum256([]byte(of)))
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-8" + h[17:20] + "-" + h[20:32]
}

func short(of string) string { return guid(of)[:8] }
