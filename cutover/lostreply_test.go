package cutover_test

import (
	"context"
	"errors"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// writeTo is a cluster whose writes go through a function.
type writeTo struct {
	cutover.Cluster
	through func(ctx context.Context, c cutover.Cluster, w cutover.Write) (*unstructured.Unstructured, error)
}

// Write implements cutover.Cluster.
func (c writeTo) Write(ctx context.Context, w cutover.Write) (*unstructured.Unstructured, error) {
	return c.through(ctx, c.Cluster, w)
}

// client-go sends a write again that was answered with 5xx and Retry-After. When the first was made after all, the second meets it.
func TestASaveThatMeetsItselfIsNotFencedOff(t *testing.T) {
	f := cutovertest.New(nil)
	twice := writeTo{f.AddCluster("c1", "eastus", 1), func(ctx context.Context, c cutover.Cluster, w cutover.Write) (*unstructured.Unstructured, error) {
		if _, err := c.Write(ctx, w); err != nil {
			return nil, err
		}
		return c.Write(ctx, w)
	}}
	j, err := cutover.NewConfigMapJournal(map[string]cutover.Cluster{"c1": twice}, "ops")
	if err != nil {
		t.Fatal(err)
	}
	r := &cutover.Record{Schema: cutover.Schema, Key: cutover.Key{Cluster: "c1", Unit: "u"}, Actor: "me", State: cutover.Planned}
	for _, r.State = range []cutover.State{cutover.Planned, cutover.Trusted, cutover.Annotated} {
		if err := j.Save(t.Context(), r); err != nil {
			t.Fatalf("%s: %v", r.State, err)
		}
	}
	other, err := j.Load(t.Context(), r.Key)
	if err != nil {
		t.Fatal(err)
	}
	r.State = cutover.DualPath
	if err := j.Save(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	other.Actor = "somebody"
	if err := j.Save(t.Context(), other); !errors.Is(err, cutover.ErrFenced) {
		t.Errorf("the save of another runner over ours ended with %v, want ErrFenced", err)
	}
}
