package credentialtest

import (
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"time"
)

// tokenQuery is what NMI reads from a request. object_id is not in it: NMI
// ignores it, so such a request names no identity at all.
type tokenQuery struct {
	clientID, resourceID, resource string
}

func readQuery(r *http.Request) tokenQuery {
	q := r.URL.Query()
	return tokenQuery{q.Get("client_id"), or(q.Get("msi_res_id"), q.Get("mi_res_id")), q.Get("resource")}
}

func (q tokenQuery) unspecified() bool { return q.clientID == "" && q.resourceID == "" }

// msi serves pods.
func (n *NMI) msi(w http.ResponseWriter, r *http.Request, namespace *string) {
	if !n.metadata(w, r) {
		return
	}
	ip, q := n.opts.PodIP(r), readQuery(r)
	if ip == "" {
		http.Error(w, "request remote address is empty", http.StatusInternalServerError)
		return
	}
	if q.resource == "" {
		http.Error(w, "parameter resource cannot be empty", http.StatusBadRequest)
		return
	}
	pod, err := n.podByIP(r, ip)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	*namespace = pod.Namespace
	exceptions, err := n.cache.Exceptions(pod.Namespace)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if excepted(pod, exceptions) {
		n.serveExcepted(w, r, q)
		return
	}
	id, err := n.identity(r, pod.Namespace, pod.Name, q)
	if err != nil {
		status := http.StatusNotFound
		if n.opts.RetryAfterHeader {
			status = http.StatusServiceUnavailable
			w.Header().Set("Retry-After", "20")
		}
		http.Error(w, err.Error(), status)
		return
	}
	tokens, err := n.tokens(r, q.resource, id)
	if err != nil {
		http.Error(w, err.Error(), refreshStatus(err))
		return
	}
	if len(tokens) == 1 {
		writeMSI(w, tokens[0])
		return
	}
	writeMSI(w, tokens)
}

// host serves the Secrets Store CSI driver, which asks on behalf of a pod from
// the node itself.
func (n *NMI) host(w http.ResponseWriter, r *http.Request, namespace *string) {
	q, podns, pod := readQuery(r), r.Header.Get("podns"), r.Header.Get("podname")
	if podns == "" || pod == "" {
		http.Error(w, "missing 'podname' and 'podns' from request header", http.StatusBadRequest)
		return
	}
	*namespace = podns
	if n.opts.PodIP(r) != "127.0.0.1" {
		http.Error(w, "request remote address is not from a host", http.StatusInternalServerError)
		return
	}
	if q.resource == "" {
		http.Error(w, "parameter resource cannot be empty", http.StatusBadRequest)
		return
	}
	id, err := n.identity(r, podns, pod, q)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	tokens, err := n.tokens(r, q.resource, id)
	if err != nil {
		http.Error(w, err.Error(), refreshStatus(err))
		return
	}
	writeMSI(w, struct {
		Token    nmiToken `json:"token"`
		ClientID string   `json:"clientid"`
	}{tokens[0], id.ClientID})
}

// forward hands a request to the real IMDS, headers and all.
func (n *NMI) forward(w http.ResponseWriter, r *http.Request) {
	if !n.metadata(w, r) {
		return
	}
	req, err := http.NewRequestWithContext(r.Context(), r.Method, "http://169.254.169.254"+r.URL.RequestURI(), r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	req.Header = r.Header.Clone()
	res, err := n.imds.RoundTrip(req)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer drain(res.Body)
	maps.Copy(w.Header(), res.Header)
	w.WriteHeader(res.StatusCode)
	_, _ = io.Copy(w, res.Body)
}

func (n *NMI) metadata(w http.ResponseWriter, r *http.Request) bool {
	if n.opts.MetadataHeaderOptional || r.Header.Get("Metadata") == "true" {
		return true
	}
	imdsRefuse(w, "Required metadata header not specified")
	return false
}

// podByIP looks several times, 300 ms apart: the informer may lag.
func (n *NMI) podByIP(r *http.Request, ip string) (Pod, error) {
	for look := 1; ; look++ {
		var live []Pod
		for _, p := range n.cache.PodsByIP(ip) {
			if p.Phase == "" || p.Phase == "Pending" || p.Phase == "Running" {
				live = append(live, p)
			}
		}
		switch {
		case len(live) == 1:
			return live[0], nil
		case len(live) > 1:
			return Pod{}, &nmiError{"failed to match pod IP " + ip + " with " + podNames(live)}
		case look >= n.opts.PodLooks || !sleep(r, 300*time.Millisecond):
			return Pod{}, &nmiError{"pod list is empty"}
		}
	}
}

// remoteIP cuts an address at its first colon, as NMI does, so that an IPv6
// address is no address.
func remoteIP(addr string) string {
	host, _, ok := strings.Cut(addr, ":")
	if !ok || net.ParseIP(host) == nil {
		return ""
	}
	return host
}
