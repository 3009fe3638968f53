package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/catalog/aks"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/federation"
)

// world is a real fleet: its clusters, the plan for them, and where the journal is.
type world struct {
	clusters map[string]cutover.Cluster
	azure    *azureWorld
	plan     *cutover.Plan
	journal  cutover.Journal
	// forget are the podIdentityProfiles of the clusters whose resource IDs are known.
	forget map[string]*aks.PodIdentities
	close  func()
}

func open(ctx context.Context, c config, out io.Writer) (*world, error) {
	fleet, err := catalog.LoadFleet(c.fleet)
	if err != nil {
		return nil, err
	}
	w := &world{clusters: map[string]cutover.Cluster{}, close: func() {}}
	for _, fc := range fleet.Clusters {
		if fc.Context == "" {
			continue // a folder of files can be planned for, not moved
		}
		cfg, err := clientConfig(fc.Context)
		if err != nil {
			return nil, fmt.Errorf("cluster %s: %w", fc.Name, err)
		}
		if w.clusters[fc.Name], err = cutover.NewCluster(cfg); err != nil {
			return nil, fmt.Errorf("cluster %s: %w", fc.Name, err)
		}
	}
	if w.azure, err = newAzureWorld(fleet.Cloud, c.arm, c.tenant); err != nil {
		return nil, err
	}
	if err := w.openJournal(c); err != nil {
		return nil, err
	}
	if w.plan, err = w.choose(ctx, c, out, func() (*cutover.Plan, error) { return w.freshPlan(ctx, c, fleet) }); err != nil {
		w.close()
		return nil, err
	}
	if w.forget, err = w.podIdentities(fleet); err != nil {
		w.close()
		return nil, err
	}
	if err := c.keep(w.plan, out); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *world) openJournal(c config) error {
	if c.namespace != "" {
		j, err := cutover.NewConfigMapJournal(w.clusters, c.namespace)
		w.journal = j
		return err
	}
	if c.status { // also while another process moves the fleet
		j, err := cutover.PeekJournal(c.journal)
		w.journal = j
		return err
	}
	j, err := cutover.OpenJournal(c.journal)
	if err != nil {
		return err
	}
	w.journal = j
	w.close = func() {
		if err := j.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	return nil
}

func clientConfig(name string) (*rest.Config, error) {
	rules, overrides := clientcmd.NewDefaultClientConfigLoadingRules(), &clientcmd.ConfigOverrides{CurrentContext: name}
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides).ClientConfig()
}

// freshPlan scans the fleet and plans. What is trusted today is in the fleet's file, or else asked of ARM.
func (w *world) freshPlan(ctx context.Context, c config, fleet *catalog.Fleet) (*cutover.Plan, error) {
	snapshots, err := catalog.ReadAll(ctx, fleet.Sources(nil), nil)
	if err != nil {
		return nil, err
	}
	cat, err := catalog.Reconcile(snapshots, nil)
	if err != nil {
		return nil, err
	}
	have, err := w.trusted(ctx, fleet, cat)
	if err != nil {
		return nil, err
	}
	fed, err := federation.NewPlan(cat, have, nil)
	if err != nil {
		return nil, err
	}
	opts := c.planOptions()
	opts.Snapshots = snapshots
	c.declare(opts)
	plan, err := cutover.NewPlan(cat, fed, opts)
	if err != nil {
		return nil, err
	}
	return plan, c.misnamed(plan)
}

func (w *world) trusted(ctx context.Context, fleet *catalog.Fleet, cat *catalog.Catalog) (federation.State, error) {
	text, err := fleet.ReadFederatedCredentials()
	switch {
	case err != nil:
		return nil, err
	case text != nil:
		return federation.ReadState(text)
	}
	return federation.Observe(ctx, w.azure.store, cat, nil)
}

// options are those of a real run: ARM's word on what is trusted, exchanges at Entra, NMI's own counters as witness.
func (w *world) options(c config, out io.Writer) *cutover.Options {
	readers := map[string]cutover.Reader{}
	for name, c := range w.clusters {
		readers[name] = c
	}
	o := &cutover.Options{
		Trust: w.azure.store, Exchanger: w.azure, OnEvent: newTimeline(out).event, AddOn: w.addOn,
		Oracle: &cutover.Telemetry{NMI: &cutover.NMIMetrics{Endpoints: cutover.NMIPods(readers)}},
	}
	if c.window > 0 {
		o.LowerPause = min(c.window, 15*time.Second)
	}
	if c.publish != "" {
		o.Publish = cutover.PublishFiles(c.publish)
	}
	return o
}

// podIdentities are the podIdentityProfiles of the clusters, where the fleet's file knows their resource IDs.
func (w *world) podIdentities(fleet *catalog.Fleet) (map[string]*aks.PodIdentities, error) {
	out := map[string]*aks.PodIdentities{}
	for _, fc := range fleet.Clusters {
		if fc.ResourceID == "" {
			continue
		}
		p, err := aks.NewPodIdentities(fc.ResourceID, w.azure.who, &aks.Options{ClientOptions: w.azure.arm})
		if err != nil {
			return nil, fmt.Errorf("cluster %s: %w", fc.Name, err)
		}
		out[fc.Name] = p
	}
	return out, nil
}

// addOn has ARM forget what the Pod Identity add-on makes a binding from.
func (w *world) addOn(ctx context.Context, cluster string, binding cutover.Ref) error {
	p := w.forget[cluster]
	if p == nil {
		return fmt.Errorf("the fleet's file has no resourceID of %s: remove the entry of %s with az aks pod-identity delete, then run again", cluster, binding)
	}
	return p.Remove(ctx, binding.Namespace, binding.Name)
}
