package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wimigrate/wimigrate/internal/pause"
)

// path is the webhook's own.
const path = "/mutate-v1-pod"

// serve answers one admission review.
func (w *Webhook) serve(rw http.ResponseWriter, r *http.Request) {
	var review admissionv1.AdmissionReview
	body, err := io.ReadAll(io.LimitReader(r.Body, 8<<20))
	if err == nil {
		err = json.Unmarshal(body, &review)
	}
	if err != nil || review.Request == nil {
		http.Error(rw, "webhook: not an admission review", http.StatusBadRequest)
		return
	}
	behaviour, call := w.next(review.Request.Namespace)
	if behaviour.Down {
		panic(http.ErrAbortHandler)
	}
	_ = pause.For(r.Context(), behaviour.Delay) // a request that ends is answered to nobody
	response := &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: true}
	if behaviour.SkipEvery == 0 || call%behaviour.SkipEvery != 0 {
		w.admit(r.Context(), review.Request, behaviour, response)
	}
	review.Request, review.Response = nil, response
	rw.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(rw).Encode(review)
}

// admit fills in the answer: a patch, nothing, or a denial.
func (w *Webhook) admit(ctx context.Context, request *admissionv1.AdmissionRequest, b Behaviour, response *admissionv1.AdmissionResponse) {
	pod := &corev1.Pod{}
	err := json.Unmarshal(request.Object.Raw, pod)
	var patch []byte
	if err == nil {
		pod.Namespace = request.Namespace
		patch, err = w.mutate(ctx, pod, b)
	}
	if err != nil {
		response.Allowed = false
		response.Result = &metav1.Status{Code: http.StatusBadRequest, Message: err.Error()}
		return
	}
	if patch != nil {
		kind := admissionv1.PatchTypeJSONPatch
		response.PatchType, response.Patch = &kind, patch
	}
}

// mutate returns the JSON Patch that injects the environment, the volume and, where asked for, the migration sidecar.
func (w *Webhook) mutate(ctx context.Context, pod *corev1.Pod, b Behaviour) ([]byte, error) {
	name := pod.Spec.ServiceAccountName
	if name == "" {
		name = "default"
	}
	sa := w.accounts.asOf(pod.Namespace+"/"+name, time.Now().Add(-b.InformerLag))
	if sa == nil { // not in the cache is asked for, as the real webhook does
		var err error
		if sa, err = w.cfg.Client.CoreV1().ServiceAccounts(pod.Namespace).Get(ctx, name, metav1.GetOptions{}); err != nil {
			return nil, err
		}
	}
	if err := injectProxy(pod, b.Layout); err != nil {
		return nil, err
	}
	in, err := w.plan(pod, sa, b)
	if err != nil {
		return nil, err
	}
	containers, inits := in.into(pod.Spec.Containers), in.into(pod.Spec.InitContainers)
	ops := []operation{
		{"add", "/spec/containers", containers},
		{"add", "/spec/volumes", in.volumes(pod.Spec.Volumes)},
	}
	if len(inits) > 0 {
		ops = append(ops, operation{"add", "/spec/initContainers", inits})
	}
	return json.Marshal(ops)
}

// operation is one step of a JSON Patch.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

var errExpiration = errors.New("azure.workload.identity/service-account-token-expiration must be a number of seconds from 3600 to 86400")
