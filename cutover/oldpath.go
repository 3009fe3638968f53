package cutover

import (
	"context"
	"errors"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/internal/pause"
	"github.com/wimigrate/wimigrate/internal/podidentity"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// defaultOldPathPatience is how long a rollback waits for Pod Identity to serve pods again: MIC puts an identity back on a scale set
// within 40 to 60 seconds, and looks again every 3 minutes where that failed.
// https://azure.github.io/aad-pod-identity/docs/best-practices/
const defaultOldPathPatience = 5 * time.Minute

// askOldPathEvery is the pause between two questions to the runner's own witness of the old path.
const askOldPathEvery = 5 * time.Second

// Which pods the old path must serve before a rollback goes on.
var (
	livesByBoth    = func(pod *unstructured.Unstructured) bool { return true }
	livesByOldPath = func(pod *unstructured.Unstructured) bool {
		return pod.GetLabels()[workloadid.UseLabel] != workloadid.UseValue
	}
)

// oldPathStands makes sure that there is something to go back to before the new path is taken away.
func (u *unitRun) oldPathStands(ctx context.Context) error {
	for _, r := range u.unit.Bindings {
		live, err := get(ctx, u.cluster, r)
		if err != nil {
			return err
		}
		if live == nil {
			return frozen("%s is gone: the old path would not work; the new one is left in place", r)
		}
	}
	return nil
}

// oldPathServes waits until Pod Identity gives the workload's pods their identity: in standard mode MIC writes an
// AzureAssignedIdentity for each pod and NMI answers only once that is Assigned; in managed mode label and binding are enough. Then the
// runner's own witness is asked, if there is one. Without proof the unit is held, with the new path in place.
func (u *unitRun) oldPathServes(ctx context.Context, w Workload, which func(*unstructured.Unstructured) bool) error {
	if err := u.oldPathStands(ctx); err != nil {
		return err
	}
	if w.Selector == "" {
		return nil // it never carried the old label
	}
	assigned := true
	if c := u.plan.Cluster(u.unit.Cluster); c != nil {
		assigned = c.Mode != catalog.ModeManaged && c.Mode != catalog.ModeNone
	}
	if !assigned && u.r.opts.OldPathServes == nil {
		return nil
	}
	deadline := time.Now().Add(u.r.opts.OldPathPatience)
	sels := []Selection{{APIVersion: "v1", Kind: "Pod", Namespace: w.Namespace}}
	if assigned {
		sels = append(sels, Selection{APIVersion: podidentity.GroupVersion, Kind: podidentity.KindAssigned})
	}
	var pods, missing []string
	err := watch(ctx, u.cluster, sels, u.r.opts.OldPathPatience, func(objs []*unstructured.Unstructured) (bool, error) {
		pods, missing = unserved(objs, w, assigned, which)
		return len(missing) == 0, nil
	})
	switch {
	case errors.Is(err, errWaited):
		return held(HoldOldPath, "MIC has not assigned the identity to %s: the old path would not work; the new one is left in place",
			strings.Join(missing, ", "))
	case apierrors.IsNotFound(err):
		return held(HoldOldPath, "the cluster serves no AzureAssignedIdentity, so Pod Identity is not there: the new path is left in place")
	case err != nil:
		return err
	}
	return u.askOldPath(ctx, pods, deadline)
}

// askOldPath asks the runner's own witness again and again until the deadline.
func (u *unitRun) askOldPath(ctx context.Context, pods []string, deadline time.Time) error {
	if u.r.opts.OldPathServes == nil || len(pods) == 0 {
		return nil
	}
	for {
		err := u.r.opts.OldPathServes(ctx, u.unit.Cluster, u.unit.Namespace, pods)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !time.Now().Before(deadline):
			return held(HoldOldPath, "the old path does not serve: %v; the new one is left in place", err)
		}
		if err := pause.For(ctx, askOldPathEvery); err != nil {
			return err
		}
	}
}

// unserved lists the pods of a workload that the old path must serve, and those among them without an AzureAssignedIdentity that is
// Assigned; a status that is empty was written by old releases once it was.
func unserved(objs []*unstructured.Unstructured, w Workload, assigned bool, which func(*unstructured.Unstructured) bool) (pods, missing []string) {
	has := map[string]bool{}
	for _, o := range objs {
		status := text(o.Object, "status", "status")
		if o.GetKind() == podidentity.KindAssigned && (status == podidentity.StatusAssigned || status == "") &&
			text(o.Object, "spec", "podNamespace") == w.Namespace {
			has[text(o.Object, "spec", "pod")] = true
		}
	}
	for _, o := range objs {
		phase := text(o.Object, "status", "phase")
		if o.GetKind() != "Pod" || o.GetLabels()[podidentity.Label] != w.Selector || o.GetDeletionTimestamp() != nil ||
			phase == "Succeeded" || phase == "Failed" || text(o.Object, "spec", "nodeName") == "" || !which(o) {
			continue
		}
		pods = append(pods, o.GetName())
		if assigned && !has[o.GetName()] {
			missing = append(missing, o.GetName())
		}
	}
	return pods, missing
}
