// Package webhook is a double of the Azure Workload Identity webhook (v1.6.0, and the layout of v1.5.1), served over TLS to a real API
// server: https://azure.github.io/azure-workload-identity/docs/installation/mutating-admission-webhook.html.
package webhook

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/wimigrate/wimigrate/internal/e2e/pki"
	"github.com/wimigrate/wimigrate/internal/e2e/serve"
)

// Layout is where the projected token is mounted, which changed between releases.
type Layout string

// The layouts in the field: v1.5.1 and older, and v1.6.0.
const (
	LayoutOld Layout = "v1.5"
	LayoutNew Layout = "v1.6"
)

// Behaviour is what the webhook does, right or wrong. The zero value is a healthy v1.6.0. It can be changed while the webhook runs.
type Behaviour struct {
	// Layout of the volume; empty means LayoutNew.
	Layout Layout
	// Down refuses every connection's request by cutting it.
	Down bool
	// Delay is waited before each answer.
	Delay time.Duration
	// ClientID, when set, is injected in place of the service account's: a webhook that reads stale accounts for ever.
	ClientID string
	// SkipEvery leaves every nth pod alone, as a webhook with one sick replica does; 0 means none.
	SkipEvery int
	// InformerLag is how long the webhook keeps reading a service account as it was.
	InformerLag time.Duration
}

// exception is what the webhook does to one namespace, and how often it was asked about it since.
type exception struct {
	Behaviour

	calls int
}

// Config says what [Start] needs; Behaviour and Logger may be zero.
type Config struct {
	Cluster string
	Client  kubernetes.Interface
	// ServiceAccounts is an informer of all service accounts, started by the caller after Start.
	ServiceAccounts cache.SharedIndexInformer
	Authority       *pki.Authority
	// TenantID and AuthorityHost are injected where the service account names no tenant of its own.
	TenantID, AuthorityHost string
	Behaviour               Behaviour
	Logger                  *slog.Logger
}

// Webhook is a running webhook. It is safe for concurrent use.
type Webhook struct {
	cfg      Config
	server   *serve.Server
	accounts accounts

	mu        sync.Mutex
	behaviour Behaviour
	in        map[string]*exception
	calls     int
}

// Start starts the webhook's server. Register makes the API server call it. Close it when done.
func Start(cfg Config) (*Webhook, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	w := &Webhook{cfg: cfg, behaviour: cfg.Behaviour, in: map[string]*exception{}}
	w.accounts.history = map[string][]version{}
	_, err := cfg.ServiceAccounts.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { w.accounts.put(obj) },
		UpdateFunc: func(_, obj any) { w.accounts.put(obj) },
		DeleteFunc: func(obj any) { w.accounts.drop(obj) },
	})
	if err != nil {
		return nil, fmt.Errorf("webhook: %s: %w", cfg.Cluster, err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+path, w.serve)
	if w.server, err = serve.TLS(cfg.Authority, "webhook", mux); err != nil {
		return nil, fmt.Errorf("webhook: %s: %w", cfg.Cluster, err)
	}
	return w, nil
}

// Behave changes what the webhook does from the next request on.
func (w *Webhook) Behave(b Behaviour) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.behaviour = b
}

// BehaveIn changes what the webhook does to the pods of one namespace, whatever it does to others.
func (w *Webhook) BehaveIn(namespace string, b Behaviour) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.in[namespace] = &exception{Behaviour: b}
}

// Behaviour is what the webhook does at present.
func (w *Webhook) Behaviour() Behaviour {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.behaviour
}

// Close stops the server. The registration stays, so labelled pods are refused from then on, as with a webhook that crashed.
func (w *Webhook) Close() { w.server.Close() }

// next takes note of a request and returns how to treat it.
func (w *Webhook) next(namespace string) (Behaviour, int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	if e := w.in[namespace]; e != nil {
		e.calls++
		return e.Behaviour, e.calls
	}
	return w.behaviour, w.calls
}

// accounts remembers service accounts as they were, for informers that lag.
type accounts struct {
	mu      sync.Mutex
	history map[string][]version
}

type version struct {
	since   time.Time
	account *corev1.ServiceAccount // nil once deleted
}

func (a *accounts) put(obj any) {
	if sa, ok := obj.(*corev1.ServiceAccount); ok {
		a.add(sa.Namespace+"/"+sa.Name, sa)
	}
}

func (a *accounts) drop(obj any) {
	if key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(obj); err == nil {
		a.add(key, nil)
	}
}

func (a *accounts) add(key string, sa *corev1.ServiceAccount) {
	const most = 8
	a.mu.Lock()
	defer a.mu.Unlock()
	all := append(a.history[key], version{time.Now(), sa})
	a.history[key] = all[max(0, len(all)-most):]
}

// asOf returns the account as it was at an instant; the oldest known version counts as having been there always.
func (a *accounts) asOf(key string, then time.Time) *corev1.ServiceAccount {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := a.history[key]
	for i, v := range slices.Backward(all) {
		if i == 0 || !v.since.After(then) {
			return v.account
		}
	}
	return nil
}
