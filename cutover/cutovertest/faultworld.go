package cutovertest

import (
	"context"
	"errors"
	"fmt"

	"github.com/wimigrate/wimigrate/cutover"
)

// Journal wraps a journal. A save may be refused before it is made, or be made and not be heard of; another runner may seem to have
// come first.
func (f *Faults) Journal(j cutover.Journal) cutover.Journal { return faultyJournal{j, f} }

type faultyJournal struct {
	cutover.Journal
	faults *Faults
}

func (j faultyJournal) Save(ctx context.Context, r *cutover.Record) error {
	kind, rng := j.faults.next("save "+r.Unit, FaultFenced, FaultCut, FaultReplyLost, FaultBusy, FaultUnavailable)
	if kind == FaultFenced {
		return cutover.ErrFenced
	}
	stored := *r
	err := kind.call(ctx, rng, func() error { return j.Journal.Save(ctx, &stored) })
	if err == nil {
		r.Version = stored.Version
	}
	return err
}

// Exchanger wraps an Entra that is at times busy, broken, or of two minds.
func (f *Faults) Exchanger(x cutover.Exchanger) cutover.Exchanger { return faultyEntra{x, f} }

// entraSays is what Entra answers under a fault.
var entraSays = map[Fault]string{
	FaultMiss:     "AADSTS70021: No matching federated identity record found for presented assertion",
	FaultBusyBare: "POST https://login.microsoftonline.com: 429 Too Many Requests",
	FaultBroken:   "AADSTS90033: A transient error has occurred. Please try again.",
}

type faultyEntra struct {
	cutover.Exchanger
	faults *Faults
}

func (x faultyEntra) Exchange(ctx context.Context, r cutover.ExchangeRequest) (cutover.Claims, error) {
	kind, rng := x.faults.next("exchange "+r.ClientID, FaultBusyBare, FaultUnavailable, FaultHang, FaultCut, FaultBroken, FaultMiss)
	if says, ok := entraSays[kind]; ok {
		return cutover.Claims{}, errors.New(says)
	}
	var out cutover.Claims
	err := kind.call(ctx, rng, func() error {
		c, err := x.Exchanger.Exchange(ctx, r)
		out = c
		return err
	})
	return out, err
}

// Oracle wraps an oracle whose NMIs and applications cannot always be read.
func (f *Faults) Oracle(o cutover.PathOracle) cutover.PathOracle { return faultyOracle{o, f} }

type faultyOracle struct {
	cutover.PathOracle
	faults *Faults
}

func (o faultyOracle) OldPath(ctx context.Context, cluster, namespace string) ([]cutover.NMIReading, error) {
	if kind, _ := o.faults.next("nmi "+cluster+namespace, FaultCut); kind != "" {
		return nil, fmt.Errorf("NMI in %s: dial tcp: connection refused", cluster)
	}
	return o.PathOracle.OldPath(ctx, cluster, namespace)
}

func (o faultyOracle) Pods(ctx context.Context, cluster, namespace string, pods []string) ([]cutover.PodPath, error) {
	if kind, _ := o.faults.next("telemetry "+cluster+namespace, FaultCut); kind != "" {
		return nil, errors.New("the applications cannot be asked: i/o timeout")
	}
	return o.PathOracle.Pods(ctx, cluster, namespace, pods)
}
