package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/credential"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/federation"
)

// world is a real fleet: its clusters, the plan for them, and where the journal is.
type world struct {
	clusters map[string]cutover.Cluster
	plan     *cutover.Plan
	journal  cutover.Journal
	close    func()
}

// inCluster is the context that stands for the cluster which the program itself runs in.
const inCluster = "in-cluster"

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
	if w.plan, err = planOf(ctx, c, fleet); err != nil {
		return nil, err
	}
	if c.save != "" {
		if err := savePlan(c.save, w.plan); err != nil {
			return nil, err
		}
		fmt.Fprintln(out, "Saved the plan to", c.save)
	}
	return w, w.openJournal(c)
}

func (w *world) openJournal(c config) error {
	if c.namespace != "" {
		j, err := cutover.NewConfigMapJournal(w.clusters, c.namespace)
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
	if name == inCluster {
		return rest.InClusterConfig()
	}
	rules, overrides := clientcmd.NewDefaultClientConfigLoadingRules(), &clientcmd.ConfigOverrides{CurrentContext: name}
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides).ClientConfig()
}

// planOf reads the saved plan, or scans the fleet and makes one.
func planOf(ctx context.Context, c config, fleet *catalog.Fleet) (*cutover.Plan, error) {
	if c.plan != "" {
		f, err := os.Open(c.plan)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return cutover.ReadPlan(f)
	}
	snapshots, err := catalog.ReadAll(ctx, fleet.Sources(nil), nil)
	if err != nil {
		return nil, err
	}
	cat, err := catalog.Reconcile(snapshots, nil)
	if err != nil {
		return nil, err
	}
	have := federation.State{}
	if text, err := fleet.ReadFederatedCredentials(); err != nil {
		return nil, err
	} else if text != nil {
		if have, err = federation.ReadState(text); err != nil {
			return nil, err
		}
	}
	fed, err := federation.NewPlan(cat, have, nil)
	if err != nil {
		return nil, err
	}
	opts := &cutover.PlanOptions{Snapshots: snapshots}
	c.declare(opts)
	plan, err := cutover.NewPlan(cat, fed, opts)
	if err != nil {
		return nil, err
	}
	return plan, c.misnamed(plan)
}

func savePlan(file string, p *cutover.Plan) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(p.Encode(f), f.Close())
}

// options are those of a real run: ARM's word on what is trusted, exchanges at Entra, NMI's own counters as witness.
func (w *world) options(out io.Writer) (*cutover.Options, error) {
	trusted, err := trust()
	if err != nil {
		return nil, err
	}
	readers := map[string]cutover.Reader{}
	for name, c := range w.clusters {
		readers[name] = c
	}
	return &cutover.Options{
		Trust: trusted, Exchanger: exchanger(credential.Exchange(nil)), OnEvent: newTimeline(out).event,
		Oracle: &cutover.Telemetry{NMI: &cutover.NMIMetrics{Endpoints: cutover.NMIPods(readers)}},
	}, nil
}

// exchanger lets the credential package prove trust for the cutover.
type exchanger func(ctx context.Context, tenantID, clientID, assertion string) (credential.Claims, error)

// Exchange implements cutover.Exchanger.
func (x exchanger) Exchange(ctx context.Context, r cutover.ExchangeRequest) (cutover.Claims, error) {
	c, err := x(ctx, r.TenantID, r.ClientID, r.Assertion)
	return cutover.Claims{AppID: c.ClientID, ObjectID: c.ObjectID, TenantID: c.TenantID}, err
}
