package cutover

import (
	"context"
	"fmt"
	"io"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/wimigrate/wimigrate/catalog"
)

// ExplainOptions give [Explain] what a cluster cannot tell. All of them are optional: links that need what is missing are
// inconclusive.
type ExplainOptions struct {
	// Identity is the one that the pod should become. By default it is the one that the service account names, so that a wrong
	// annotation cannot be seen as such. Trust needs its resource ID.
	Identity catalog.Identity
	// Issuer is what the cluster's issuer should be, as ARM says.
	Issuer string
	// Cluster is the cluster's name, for Oracle.
	Cluster   string
	Exchanger Exchanger
	Trust     Trust
	Oracle    PathOracle
}

// Explanation is the whole chain from a pod to its token, link by link in the order in which one causes the next.
type Explanation struct {
	// Object is what was asked about, Pod the pod that was looked at; its name is empty where none runs.
	Object Ref    `json:"object"`
	Pod    Ref    `json:"pod,omitzero"`
	Links  []Link `json:"links"`
	// OldPath says how Pod Identity serves the pod; empty where it does not.
	OldPath string `json:"oldPath,omitempty"`
}

// Link is one link of the chain.
type Link struct {
	Name   string `json:"name"`
	Object string `json:"object,omitempty"`
	Result Result `json:"result"`
	Got    string `json:"got"`
	// Fix says what to do; empty unless the link is broken.
	Fix string `json:"fix,omitempty"`
}

// Broken returns the first broken link, whose fix comes first; nil if none is. Links that nobody could look at are not broken.
func (e *Explanation) Broken() *Link {
	for i := range e.Links {
		if e.Links[i].Result == Fail {
			return &e.Links[i]
		}
	}
	return nil
}

// Show writes the chain for a person, and the first broken link with its fix at the end.
func (e *Explanation) Show(w io.Writer) error {
	marks := map[Result]string{Pass: "ok    ", Fail: "BROKEN", Inconclusive: "?     "}
	var b strings.Builder
	fmt.Fprintf(&b, "%s in namespace %s\n", clean(e.Object.String()), clean(e.Object.Namespace))
	for _, l := range e.Links {
		fmt.Fprintf(&b, "  %s  %-20s %s\n", marks[l.Result], l.Name, clean(l.Got))
	}
	if e.OldPath != "" {
		fmt.Fprintf(&b, "  old path: %s\n", clean(e.OldPath))
	}
	if broken := e.Broken(); broken != nil {
		fmt.Fprintf(&b, "first broken link: %s: %s\n  fix: %s\n", broken.Name, clean(broken.Got), clean(broken.Fix))
	} else {
		b.WriteString("no link is broken\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Explain checks the whole chain from a pod, or a workload's template and one of its pods, to a token of its identity: label, service
// account, annotation, webhook, environment, issuer, federated credential, exchange, identity, and what the application does with
// all that. It writes nothing, and works on any cluster, migrated or not. Broken links are in the explanation; the error is about
// what kept it from looking at all: an object that is not there, or whose kind nobody knows.
func Explain(ctx context.Context, r Reader, object Ref, opts *ExplainOptions) (*Explanation, error) {
	var o ExplainOptions
	if opts != nil {
		o = *opts
	}
	x := &explainer{ctx: ctx, o: o, out: &Explanation{Object: object}}
	x.t = Target{
		Cluster: r, Exchanger: o.Exchanger, Trust: o.Trust, Oracle: o.Oracle,
		Unit: &Unit{Cluster: o.Cluster, Namespace: object.Namespace}, Plan: &Plan{},
	}
	if err := x.find(object); err != nil {
		return nil, fmt.Errorf("cutover: explain %s in namespace %s: %w", object, object.Namespace, err)
	}
	x.label()
	if x.serviceAccount() {
		x.annotation()
		x.webhook()
		x.environment()
		x.issuer()
		x.credential()
		x.exchange()
		x.application()
	}
	x.oldPath()
	return x.out, nil
}

// explainer walks along the chain.
type explainer struct {
	ctx context.Context
	o   ExplainOptions
	t   Target
	out *Explanation

	labels  map[string]string
	spec    corev1.PodSpec
	pod     *corev1.Pod // nil where none runs
	account Account     // the identity is the expected one, as far as it is known
	named   string      // the client ID that the service account names
	iss     string
}

func (x *explainer) add(name, object string, e Evidence, fix string) {
	l := Link{Name: name, Object: object, Result: e.Result, Got: e.Got}
	if e.Result == Fail {
		l.Fix = fix
	}
	x.out.Links = append(x.out.Links, l)
}
