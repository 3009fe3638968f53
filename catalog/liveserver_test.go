package catalog_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
)

// apiServer plays the read side of an API server over HTTP: discovery, and lists in the encodings that real ones use.
type apiServer struct {
	*httptest.Server
	issuer string

	mu       sync.Mutex
	requests []string
	objects  map[string][]apiObject // by path of the list
	groups   map[string][]metav1.APIResource
	fault    func(w http.ResponseWriter, r *http.Request) bool // true: it answered
}

// apiObject is what lists are made of: a typed object with protobuf, or JSON.
type apiObject interface{ GetLabels() map[string]string }

type protoObject interface {
	apiObject
	Marshal() ([]byte, error)
}

func newAPIServer(t *testing.T) *apiServer {
	s := &apiServer{issuer: "https://issuer.example/one/", objects: map[string][]apiObject{}, groups: map[string][]metav1.APIResource{}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	for gv, kinds := range map[string][]string{
		"v1":       {"Pod", "ReplicationController", "ServiceAccount", "Namespace", "Node", "ConfigMap", "Secret"},
		"apps/v1":  {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"},
		"batch/v1": {"Job", "CronJob"},
	} {
		for _, kind := range kinds {
			s.define(gv, kind)
		}
	}
	return s
}

func (s *apiServer) config() *rest.Config { return &rest.Config{Host: s.URL} }

func plural(kind string) string {
	if strings.HasSuffix(kind, "y") {
		return strings.ToLower(kind[:len(kind)-1]) + "ies"
	}
	if strings.HasSuffix(kind, "s") {
		return strings.ToLower(kind) + "es"
	}
	return strings.ToLower(kind) + "s"
}

func listPath(gv, kind string) string {
	if strings.Contains(gv, "/") {
		return "/apis/" + gv + "/" + plural(kind)
	}
	return "/api/" + gv + "/" + plural(kind)
}

// define makes discovery serve a kind.
func (s *apiServer) define(gv, kind string) {
	s.groups[gv] = append(s.groups[gv], metav1.APIResource{Name: plural(kind), Kind: kind, Namespaced: true, Verbs: metav1.Verbs{"get", "list", "watch"}})
}

func (s *apiServer) add(gv, kind string, objects ...apiObject) {
	s.objects[listPath(gv, kind)] = append(s.objects[listPath(gv, kind)], objects...)
}

// lists returns the lists that were asked for, sorted, with their selectors.
func (s *apiServer) lists() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, r := range s.requests {
		if strings.Count(r, "/") >= 3 && !strings.HasPrefix(r, "/.well-known") {
			out = append(out, r)
		}
	}
	slices.Sort(out)
	return out
}

func (s *apiServer) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.requests)
}

func (s *apiServer) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, strings.TrimSuffix(r.URL.Path+" "+r.URL.Query().Get("labelSelector"), " "))
	fault := s.fault
	s.mu.Unlock()
	if fault != nil && fault(w, r) {
		return
	}
	switch {
	case r.URL.Path == "/.well-known/openid-configuration":
		writeJSON(w, map[string]any{"issuer": s.issuer})
	case r.URL.Path == "/api":
		writeJSON(w, metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"}})
	case r.URL.Path == "/apis":
		writeJSON(w, s.groupList())
	case s.groups[strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/apis/"), "/api/")] != nil:
		gv := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/apis/"), "/api/")
		writeJSON(w, metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: gv, APIResources: s.groups[gv]})
	default:
		s.list(w, r)
	}
}

func (s *apiServer) groupList() metav1.APIGroupList {
	out := metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}}
	for gv := range s.groups {
		if group, version, ok := strings.Cut(gv, "/"); ok {
			v := metav1.GroupVersionForDiscovery{GroupVersion: gv, Version: version}
			out.Groups = append(out.Groups, metav1.APIGroup{Name: group, Versions: []metav1.GroupVersionForDiscovery{v}, PreferredVersion: v})
		}
	}
	return out
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// list answers a list, cut into pages where the client asks for them.
func (s *apiServer) list(w http.ResponseWriter, r *http.Request) {
	selector, err := labels.Parse(r.URL.Query().Get("labelSelector"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var selected []apiObject
	for _, o := range s.objects[r.URL.Path] {
		if selector.Matches(labels.Set(o.GetLabels())) {
			selected = append(selected, o)
		}
	}
	meta := metav1.ListMeta{ResourceVersion: "100"}
	if r.URL.Query().Get("limit") == "2" {
		from := len(r.URL.Query().Get("continue"))
		to := min(from+2, len(selected))
		if to < len(selected) {
			meta.Continue = strings.Repeat("x", to)
		}
		selected = selected[from:to]
	}
	accept := r.Header.Get("Accept")
	if strings.HasPrefix(accept, "application/vnd.kubernetes.protobuf") {
		w.Header().Set("Content-Type", "application/vnd.kubernetes.protobuf")
		_, _ = w.Write(protobufList(meta, selected, strings.Contains(accept, "PartialObjectMetadataList")))
		return
	}
	writeJSON(w, map[string]any{"kind": "SomeList", "apiVersion": "v1", "metadata": meta, "items": selected})
}

// protobufList encodes a list as API servers do: every list type has its metadata in field 1 and its items in field 2.
func protobufList(meta metav1.ListMeta, objects []apiObject, metadataOnly bool) []byte {
	body, _ := meta.Marshal()
	raw := field(1, body)
	for _, o := range objects {
		item, _ := o.(protoObject).Marshal()
		if metadataOnly {
			m := metav1.PartialObjectMetadata{ObjectMeta: *o.(metav1.ObjectMetaAccessor).GetObjectMeta().(*metav1.ObjectMeta)}
			item, _ = m.Marshal()
		}
		raw = append(raw, field(2, item)...)
	}
	envelope, _ := (&runtime.Unknown{TypeMeta: runtime.TypeMeta{Kind: "List"}, Raw: raw, ContentType: ""}).Marshal()
	return append([]byte("k8s\x00"), envelope...)
}

func field(number byte, body []byte) []byte {
	out := []byte{number<<3 | 2}
	n := len(body)
	for n >= 0x80 {
		out = append(out, byte(n)|0x80)
		n >>= 7
	}
	return append(append(out, byte(n)), body...)
}
