package cutover

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// scaleToOne raises the replicas of a workload at zero. The journal knows before the cluster does.
func (u *unitRun) scaleToOne(ctx context.Context, s *Step, live *unstructured.Unstructured) error {
	path := []string{"spec", "replicas"}
	act := Act{
		Edit: "probe/" + s.ID + "/" + live.GetKind() + "/" + live.GetName(), Step: s.ID, Kind: ActProbe, Verb: Patch, Ref: refOf(live),
		Subresource: "scale", Phase: Intended, Fields: beforeImages([]Field{{Path: path, After: int64(1)}}, live),
	}
	u.rec.Acts = append(u.rec.Acts, act)
	if err := u.save(ctx); err != nil {
		return err
	}
	// A Scale leaves zero out, so there is nothing to test and to replace: the resource version is the guard.
	body := mustJSON([]operation{{"add", pointer(path), int64(1)}})
	err := u.write(ctx, s, Write{Verb: Patch, Ref: act.Ref, Subresource: act.Subresource, ResourceVersion: live.GetResourceVersion(), Body: body})
	if err != nil {
		return err // the intent stands, and is settled by endProbes
	}
	return u.commitProbe(ctx, act.Edit)
}

// runOnce runs a CronJob, unless a run is under way that another may not join.
func (u *unitRun) runOnce(ctx context.Context, s *Step, w Workload, cron *unstructured.Unstructured) (*IdleProbe, error) {
	if err := u.endEarlierRun(ctx, w); err != nil {
		return nil, err
	}
	policy, running := text(cron.Object, "spec", "concurrencyPolicy"), false
	if active, _ := lookup(cron.Object, []string{"status", "active"}); active != nil {
		list, _ := active.([]any)
		running = len(list) > 0
	}
	if running && policy != "" && policy != "Allow" {
		return nil, fmt.Errorf("a run of %s is under way, and its concurrencyPolicy %s forbids another", w, policy)
	}
	return u.startJob(ctx, s, RungOneRun, cronRun(cron))
}

// endEarlierRun clears up after the one-off run of an earlier gate, which must have finished.
func (u *unitRun) endEarlierRun(ctx context.Context, w Workload) error {
	for i := range u.rec.Acts {
		a := &u.rec.Acts[i]
		if a.Kind != ActProbe || a.Verb != Create || a.Note != w.String() {
			continue
		}
		over, err := u.endProbe(ctx, a)
		if err != nil {
			return err
		}
		if !over {
			return fmt.Errorf("%s, the one-off run of an earlier gate, is still under way", a.Ref)
		}
		u.rec.Acts = slices.Delete(slices.Clone(u.rec.Acts), i, i+1)
		return u.save(ctx)
	}
	return nil
}

// startJob creates a one-off Job under a new name. The journal knows the name before the cluster does, and the Job says whose it is, so
// that a crash in between leaves nothing behind.
func (u *unitRun) startJob(ctx context.Context, s *Step, rung string, job map[string]any) (*IdleProbe, error) {
	o := &unstructured.Unstructured{Object: job}
	owner := o.GetOwnerReferences()[0]
	o.SetName(u.jobName(owner.Name))
	ref := Ref{APIVersion: "batch/v1", Kind: "Job", Namespace: o.GetNamespace(), Name: o.GetName()}
	act := Act{
		Edit: "probe/" + s.ID + "/" + ref.Name, Step: s.ID, Kind: ActProbe, Verb: Create, Ref: ref, Phase: Intended, Note: owner.Kind + "/" + owner.Name,
	}
	setAt(job, annotation(CrumbAnnotation), compact(Crumb{Lineage: u.plan.Lineage, Unit: u.unit.ID, Edit: act.Edit}))
	u.rec.Acts = append(u.rec.Acts, act)
	if err := u.save(ctx); err != nil {
		return nil, err
	}
	if err := u.write(ctx, s, Write{Verb: Create, Ref: ref, Body: mustJSON(job)}); err != nil {
		return nil, err
	}
	live, err := get(ctx, u.cluster, ref)
	if err != nil || live == nil {
		return nil, fmt.Errorf("%s was created but cannot be read: %w", ref, err)
	}
	made := refOf(live)
	u.act(act.Edit).Ref = made
	return &IdleProbe{Rung: rung, Job: &made}, u.commitProbe(ctx, act.Edit)
}

func (u *unitRun) commitProbe(ctx context.Context, edit string) error {
	u.act(edit).Phase = Committed
	return u.save(ctx)
}
