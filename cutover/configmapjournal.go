package cutover

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// maxRecord is the most that a record may take in a ConfigMap, which may hold 1 MiB. A runner keeps its records at a quarter of it, where
// that is possible without losing what a rollback needs.
const maxRecord = 768 << 10

// journalLabel finds the ConfigMaps of the journal: kubectl get configmaps -l wimigrate.github.io/journal=record.
const journalLabel = "wimigrate.github.io/journal"

// ConfigMapJournal keeps the record of every unit in a ConfigMap of the unit's own cluster, in one namespace, readable with kubectl:
// data.record is the JSON, data.state, data.epoch and data.reason repeat what one looks for. Saves compare and swap the resource version, so of two
// runners one is refused; a Lease of the same name says, as a courtesy, who is at work (see [ConfigMapJournal.Announce]). It is safe for concurrent use.
type ConfigMapJournal struct {
	clusters  map[string]Cluster
	namespace string
}

var _ Journal = (*ConfigMapJournal)(nil)

// NewConfigMapJournal returns a journal in that namespace of each cluster. The namespace must exist.
func NewConfigMapJournal(clusters map[string]Cluster, namespace string) (*ConfigMapJournal, error) {
	if len(clusters) == 0 || namespace == "" {
		return nil, errors.New("cutover: NewConfigMapJournal needs clusters and a namespace")
	}
	return &ConfigMapJournal{clusters: allLoggedIn(clusters), namespace: namespace}, nil
}

func (j *ConfigMapJournal) ref(k Key) Ref {
	sum := sha256.Sum256([]byte(k.Unit))
	return Ref{APIVersion: "v1", Kind: "ConfigMap", Namespace: j.namespace, Name: "wimigrate-" + hex.EncodeToString(sum[:8])}
}

func (j *ConfigMapJournal) cluster(name string) (Cluster, error) {
	if c := j.clusters[name]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("cutover: the journal has no cluster %q", name)
}

// Load implements Journal.
func (j *ConfigMapJournal) Load(ctx context.Context, k Key) (*Record, error) {
	c, err := j.cluster(k.Cluster)
	if err != nil {
		return nil, err
	}
	live, err := get(ctx, c, j.ref(k))
	if err != nil {
		return nil, err
	}
	if live == nil {
		return nil, ErrNoRecord
	}
	r, err := recordOf(live)
	if err == nil && r.Key != k {
		return nil, fmt.Errorf("cutover: ConfigMap %s/%s holds the record of %s, not of %s", j.namespace, live.GetName(), r.Unit, k.Unit)
	}
	return r, err
}

// recordOf reads a ConfigMap; its version is UID and resource version, so that one deleted and made again is another.
func recordOf(live *unstructured.Unstructured) (*Record, error) {
	version := string(live.GetUID()) + "/" + live.GetResourceVersion()
	r, err := DecodeRecord([]byte(text(live.Object, "data", "record")), version)
	if err != nil {
		return nil, fmt.Errorf("ConfigMap %s/%s: %w", live.GetNamespace(), live.GetName(), err)
	}
	return r, nil
}

// Save implements Journal.
func (j *ConfigMapJournal) Save(ctx context.Context, r *Record) error {
	c, err := j.cluster(r.Cluster)
	if err != nil {
		return err
	}
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if len(body) > maxRecord {
		return fmt.Errorf("%w: %s takes %d bytes, at most %d", ErrTooLarge, r.Unit, len(body), maxRecord)
	}
	w, err := j.write(r, body)
	if err != nil {
		return err
	}
	saved, err := c.Write(ctx, w)
	if err != nil {
		return j.explain(ctx, c, w, r, body, err)
	}
	r.Version = string(saved.GetUID()) + "/" + saved.GetResourceVersion()
	return nil
}

// write is the ConfigMap of a record: a new one, or new data over the one that was read.
func (j *ConfigMapJournal) write(r *Record, body []byte) (Write, error) {
	data := map[string]any{
		"record": string(body), "unit": r.Unit, "state": string(r.State), "reason": r.Reason, "epoch": fmt.Sprint(r.Epoch), "actor": r.Actor,
	}
	ref := j.ref(r.Key)
	if r.Version == "" {
		return Write{Verb: Create, Ref: ref, Body: mustJSON(map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap", "data": data,
			"metadata": map[string]any{"name": ref.Name, "namespace": ref.Namespace, "labels": map[string]any{
				journalLabel: "record", "app.kubernetes.io/managed-by": Manager,
			}},
		})}, nil
	}
	uid, version, ok := strings.Cut(r.Version, "/")
	if !ok {
		return Write{}, fmt.Errorf("cutover: %q is no version of this journal", r.Version)
	}
	ref.UID = uid
	return Write{Verb: Patch, Ref: ref, ResourceVersion: version, Body: mustJSON([]operation{{"add", "/data", data}})}, nil
}

// explain turns a refused save into the journal's errors. A save whose reply was lost may have been made: if what is stored is this
// very record, it was. (Actors tell runners apart, so it is not another's.) A conflict may be our own too: client-go sends a write again
// that was answered with 5xx and Retry-After, as one is that etcd took too long to confirm.
func (j *ConfigMapJournal) explain(ctx context.Context, c Cluster, w Write, r *Record, body []byte, cause error) error {
	if apierrors.IsForbidden(cause) || apierrors.IsUnauthorized(cause) {
		return fmt.Errorf("cutover: journal of %s: %w", r.Unit, cause)
	}
	live, err := get(ctx, c, Ref{APIVersion: w.Ref.APIVersion, Kind: w.Ref.Kind, Namespace: w.Ref.Namespace, Name: w.Ref.Name})
	if err != nil {
		return errors.Join(cause, err)
	}
	if live != nil && (passing(cause) || r.Actor != "") && bytes.Equal([]byte(text(live.Object, "data", "record")), body) {
		r.Version = string(live.GetUID()) + "/" + live.GetResourceVersion()
		return nil
	}
	if apierrors.IsConflict(cause) || apierrors.IsAlreadyExists(cause) || apierrors.IsInvalid(cause) || r.Version != "" && apierrors.IsNotFound(cause) {
		return fmt.Errorf("%w (%s: %w)", ErrFenced, r.Unit, cause)
	}
	return fmt.Errorf("cutover: journal of %s: %w", r.Unit, cause)
}

// List implements Journal. It asks all clusters at the same time.
func (j *ConfigMapJournal) List(ctx context.Context) ([]*Record, error) {
	var mu sync.Mutex
	var out []*Record
	var errs []error
	var wg sync.WaitGroup
	for name, c := range j.clusters {
		wg.Go(func() {
			recs, err := j.listIn(ctx, name, c)
			mu.Lock()
			defer mu.Unlock()
			out, errs = append(out, recs...), append(errs, err)
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	slices.SortFunc(out, func(a, b *Record) int { return compareKeys(a.Key, b.Key) })
	return out, errors.Join(errs...)
}

// listIn reads the records in one cluster. A record that cannot be read leaves the others readable.
func (j *ConfigMapJournal) listIn(ctx context.Context, name string, c Cluster) ([]*Record, error) {
	objs, err := list(ctx, c, Selection{APIVersion: "v1", Kind: "ConfigMap", Namespace: j.namespace, Labels: journalLabel + "=record"})
	if err != nil {
		return nil, &UnreadableError{Key{Cluster: name}, err}
	}
	var out []*Record
	var errs []error
	for _, o := range objs {
		r, err := recordOf(o)
		switch {
		case err != nil:
			errs = append(errs, &UnreadableError{Key{name, text(o.Object, "data", "unit")}, err})
		case r.Cluster == name:
			out = append(out, r)
		}
	}
	return out, errors.Join(errs...)
}
