package manifest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/internal/manifest"
)

type read struct {
	Objects  []string
	Problems []manifest.Problem
}

func (r *read) handler() manifest.Handler {
	return manifest.Handler{
		Object:  func(o *manifest.Object) { r.Objects = append(r.Objects, o.APIVersion+" "+o.Kind+" "+o.Origin()) },
		Problem: func(p manifest.Problem) { r.Problems = append(r.Problems, p) },
	}
}

func TestJSONIsReadAsAStreamOfObjectsAndLists(t *testing.T) {
	for name, tt := range map[string]struct {
		text     string
		want     []string
		problems int
		err      error
	}{
		"one object":                         {`{"apiVersion":"v1","kind":"Pod"}`, []string{"v1 Pod 1"}, 0, nil},
		"objects one after another":          {`{"apiVersion":"v1","kind":"Pod"} {"kind":"Node","apiVersion":"v1"}`, []string{"v1 Pod 1", "v1 Node 2"}, 0, nil},
		"a List whose kind comes last":       {`{"apiVersion":"v1","items":[{"apiVersion":"v1","kind":"Pod"}],"kind":"List"}`, []string{"v1 Pod 1.1"}, 0, nil},
		"items that take their List's kind":  {`{"kind":"PodList","apiVersion":"v1","items":[{},{}]}`, []string{"v1 Pod 1.1", "v1 Pod 1.2"}, 0, nil},
		"items of a kind that is said later": {`{"items":[{}],"kind":"PodList","apiVersion":"v1"}`, nil, 1, nil},
		"an item that is no object":          {`{"kind":"PodList","apiVersion":"v1","items":[1,{}]}`, []string{"v1 Pod 1.2"}, 1, nil},
		"a key twice":                        {`{"kind":"Pod","apiVersion":"v1","kind":"Node"}`, nil, 1, nil},
		"a List of nothing":                  {`{"kind":"PodList","apiVersion":"v1","items":null}`, nil, 0, nil},
		"what is none of Kubernetes":         {`{"a":{"kind":"Pod"},"b":"}"}`, nil, 0, nil},
		"an end in the middle":               {`{"apiVersion":"v1","items":[{"apiVersion":"v1","kind":"Pod"},{"ki`, []string{"v1 Pod 1.1"}, 0, io.ErrUnexpectedEOF},
		"an end within a string":             {`{"apiVersion":"v\"`, nil, 0, io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(tt.text), iotest.OneByteReader(strings.NewReader(tt.text))} {
				var got read
				if err := manifest.ReadJSON(r, got.handler()); !errors.Is(err, tt.err) {
					t.Errorf("error %v, want %v", err, tt.err)
				}
				if diff := cmp.Diff(tt.want, got.Objects); diff != "" || len(got.Problems) != tt.problems {
					t.Errorf("objects (-want +got):\n%s%+v", diff, got.Problems)
				}
			}
		})
	}
}

// FuzzJSON checks the scanner and the parser against encoding/json: what is valid there is read here, and means the same.
func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"apiVersion":"v1","kind":"Pod","spec":{"a":[1,2.5,-1e3,true,null,"\u00e9\n\"",{}],"b":[]}}`))
	f.Add([]byte(`{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Pod","spec":{"a":"\\"}}]}`))
	f.Add([]byte(` {"spec" : { "a" : "}" } , "kind":"A" ,"apiVersion":"b"} `))
	f.Fuzz(func(t *testing.T, text []byte) {
		var specs []any
		h := manifest.Handler{
			Object: func(o *manifest.Object) {
				v, err := o.Field("spec", nil)
				if err != nil {
					v = err
				}
				specs = append(specs, v)
			},
			Problem: func(manifest.Problem) {},
		}
		err := manifest.ReadJSON(bytes.NewReader(text), h)
		var whole struct {
			APIVersion, Kind string
			Spec             json.RawMessage
			Items            json.RawMessage
		}
		if json.Unmarshal(text, &whole) != nil || len(whole.Items) > 0 || whole.Spec == nil || len(specs) != 1 || bytes.Count(text, []byte(`pec"`)) != 1 {
			return
		}
		if err != nil {
			t.Fatalf("valid JSON is refused: %v", err)
		}
		if _, failed := specs[0].(error); failed {
			return // a key twice, or deeper than anything of Kubernetes
		}
		want, got := normal(t, whole.Spec), normal(t, mustJSON(t, specs[0]))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("spec of %s (-want +got):\n%s", text, diff)
		}
	})
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func normal(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}
