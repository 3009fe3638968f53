package cutover

import (
	"context"
	"time"
)

// leaseSeconds is how long a lease is good for.
const leaseSeconds = 60

// lease says in a Lease who works on a unit. It is a courtesy to people and dashboards: what keeps two runners apart is the
// compare-and-swap of the record, so nothing here can fail a save.
func (j *ConfigMapJournal) lease(ctx context.Context, c Cluster, r *Record) {
	ref := j.ref(r.Key)
	ref.APIVersion, ref.Kind = "coordination.k8s.io/v1", "Lease"
	_, _ = c.Write(ctx, Write{Verb: Apply, Ref: ref, Body: mustJSON(map[string]any{
		"apiVersion": ref.APIVersion, "kind": ref.Kind, "metadata": map[string]any{"name": ref.Name, "namespace": ref.Namespace},
		"spec": map[string]any{
			"holderIdentity": r.Actor, "leaseDurationSeconds": leaseSeconds,
			"renewTime": time.Now().UTC().Format("2006-01-02T15:04:05.000000Z07:00"),
		},
	})})
}
