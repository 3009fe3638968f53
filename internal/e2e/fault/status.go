package fault

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// refuse answers with a status code, and what else the fault says.
func refuse(w http.ResponseWriter, r *http.Request, code int, f Fault) {
	if f.RetryAfter != "" {
		w.Header().Set("Retry-After", f.RetryAfter)
	}
	body := []byte(f.Body)
	if len(body) == 0 && code >= http.StatusBadRequest && (strings.HasPrefix(r.URL.Path, "/api/") || strings.HasPrefix(r.URL.Path, "/apis/")) {
		body = statusOf(r.Method, code, f.RetryAfter)
	}
	if json.Valid(body) {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(code)
	_, _ = w.Write(body)
}

// statusOf is what an API server says with a code.
func statusOf(method string, code int, retryAfter string) []byte {
	if code == http.StatusGone {
		return expired("")
	}
	seconds, _ := strconv.Atoi(retryAfter) // a date, or nothing, is no number of seconds
	s := apierrors.NewGenericServerResponse(code, strings.ToLower(method), schema.GroupResource{}, "", "injected", seconds, false).Status()
	return asJSON(s)
}

// expired is the answer of an API server whose history does not reach back as far as asked.
func expired(continueWith string) []byte {
	s := apierrors.NewResourceExpired("too old resource version").Status()
	s.Continue = continueWith
	return asJSON(s)
}

func asJSON(s metav1.Status) []byte {
	s.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a Status is always JSON
	}
	return b
}

func expire(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if !isWatch(r) {
		w.WriteHeader(http.StatusGone)
		_, _ = w.Write(expired(inconsistent(r.URL.Query().Get("continue"))))
		return
	}
	_, _ = w.Write([]byte(`{"type":"ERROR","object":` + string(expired("")) + "}\n"))
}

// inconsistent is the token with which an API server lets a client go on from where it was, in the state of the present. It is empty for
// what is no token.
// https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
func inconsistent(token string) string {
	var t struct {
		Version         string `json:"v"`
		ResourceVersion int64  `json:"rv"`
		Start           string `json:"start"`
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || json.Unmarshal(raw, &t) != nil {
		return ""
	}
	t.ResourceVersion = -1
	b, err := json.Marshal(t)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(b)
}
