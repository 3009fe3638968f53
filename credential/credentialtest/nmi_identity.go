package credentialtest

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// nmiError is the text of an error as NMI sends it.
type nmiError struct{ text string }

func (e *nmiError) Error() string { return e.text }

// identity finds the identity of a pod, in the way of the mode.
func (n *NMI) identity(r *http.Request, podns, pod string, q tokenQuery) (AzureIdentity, error) {
	if n.opts.Managed {
		return n.boundIdentity(podns, pod, q)
	}
	assigned, err := n.waitAssigned(r, podns, pod, q)
	if err != nil {
		return AzureIdentity{}, err
	}
	var usable []AzureIdentity
	for _, id := range assigned {
		if !(n.opts.ForceNamespaced || id.Namespaced) || id.Namespace == podns {
			usable = append(usable, id)
		}
	}
	if q.unspecified() {
		return usable[0], nil // panics when namespaces differ, and so does NMI
	}
	for _, id := range usable { // with regard to case, although the wait was without
		if q.clientID != "" && id.ClientID == q.clientID || q.resourceID != "" && id.ResourceID == q.resourceID {
			return id, nil
		}
	}
	return AzureIdentity{}, &nmiError{"no azure identity found for request clientID " + redact(q.clientID)}
}

// waitAssigned polls until what was asked for is assigned to the pod. It gives
// up after AttemptsForCreated polls if it is not even Created.
func (n *NMI) waitAssigned(r *http.Request, podns, pod string, q tokenQuery) ([]AzureIdentity, error) {
	created, all := n.opts.AttemptsForCreated, n.opts.AttemptsForCreated+n.opts.AttemptsForAssigned
	seconds := int(n.opts.Interval / time.Second)
	for attempt := range all {
		byState := map[string][]AzureIdentity{}
		for _, a := range n.cache.Assigned(podns, pod) {
			byState[a.State] = append(byState[a.State], a.Identity)
		}
		for _, state := range []string{"", StateAssigned} {
			if q.among(byState[state]) {
				return byState[state], nil
			}
		}
		if !q.among(byState[StateCreated]) && attempt >= created {
			prefix := ""
			if !q.unspecified() {
				prefix = "clientID in request: " + redact(q.clientID) + ", "
			}
			return nil, &nmiError{prefix + gaveUp(podns, pod, "CREATED", created, seconds)}
		}
		if !sleep(r, n.opts.Interval) {
			return nil, r.Context().Err()
		}
	}
	return nil, &nmiError{gaveUp(podns, pod, "ASSIGNED", all, seconds)}
}

func gaveUp(podns, pod, state string, attempts, seconds int) string {
	return fmt.Sprintf("getting assigned identities for pod %s/%s in %s state failed after %d attempts, retry duration [%d]s, "+
		"error: <nil>. Check MIC pod logs for identity assignment errors", podns, pod, state, attempts, seconds)
}

// among says whether the request is about one of the identities: any, if it
// names none.
func (q tokenQuery) among(ids []AzureIdentity) bool {
	for _, id := range ids {
		if q.unspecified() || q.clientID != "" && strings.EqualFold(q.clientID, id.ClientID) ||
			q.resourceID != "" && strings.EqualFold(q.resourceID, id.ResourceID) {
			return true
		}
	}
	return false
}

// boundIdentity looks once, through the bindings of the pod's namespace.
func (n *NMI) boundIdentity(podns, pod string, q tokenQuery) (AzureIdentity, error) {
	p, ok := n.cache.Pod(podns, pod)
	if !ok {
		return AzureIdentity{}, &nmiError{fmt.Sprintf("failed to get pod %s/%s, error: pod %s/%s doesn't exist", podns, pod, podns, pod)}
	}
	bound := map[string]bool{}
	for _, b := range n.cache.Bindings(podns) {
		if b.Selector == p.Labels["aadpodidbinding"] { // both may be empty: an unlabelled pod matches an empty selector
			bound[b.AzureIdentity] = true
		}
	}
	for _, id := range n.cache.Identities(podns) {
		if bound[id.Name] && (q.unspecified() || q.clientID != "" && id.ClientID == q.clientID || q.resourceID != "" && id.ResourceID == q.resourceID) {
			return id, nil
		}
	}
	return AzureIdentity{}, &nmiError{"no azure identity found for request clientID " + redact(q.clientID)}
}

// excepted says whether any label of any exception is on the pod; values are
// compared without regard to case.
func excepted(p Pod, exceptions []AzurePodIdentityException) bool {
	for _, e := range exceptions {
		for key, want := range e.PodLabels {
			if have, ok := p.Labels[key]; ok && strings.EqualFold(have, want) {
				return true
			}
		}
	}
	return false
}

func podNames(pods []Pod) string {
	names := make([]string, len(pods))
	for i, p := range pods {
		names[i] = p.Namespace + "/" + p.Name
	}
	return "[" + strings.Join(names, " ") + "]"
}

// redact hides the middle of a client ID as NMI's messages do.
func redact(clientID string) string {
	if len(clientID) < 8 {
		return clientID
	}
	return clientID[:4] + "##### REDACTED #####" + clientID[len(clientID)-4:]
}
