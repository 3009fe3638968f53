package cutovertest

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/cutover"
)

// Options tune a [Fleet]; the zero value of a field means its default.
type Options struct {
	// Seed makes runs differ, and repeat. Default: 0.
	Seed uint64
	// Mode is how Pod Identity runs in every cluster. Default: catalog.ModeStandard.
	Mode catalog.PodIdentityMode
	// Pace scales every latency of the simulation; 0.01 is a hundred times as fast. Default: 1.
	Pace float64
	// TokenEvery is how often each pod takes a token. Default: 5 minutes.
	TokenEvery time.Duration
	// PodStart is how long a pod takes from its creation to Ready, at most; at least half of it. Default: 8 seconds.
	PodStart time.Duration
	// SALag is how old the webhook's picture of service accounts may be. Default: 5 seconds.
	SALag time.Duration
	// Propagation is how long Entra needs to honour a new credential. Default: 10 seconds.
	Propagation time.Duration
}

// Fleet is a set of simulated clusters around one Entra. It is safe for concurrent use.
type Fleet struct {
	opts Options

	mu       sync.Mutex
	rng      *rand.Rand
	now      time.Time
	queue    queue
	driving  bool
	driven   time.Time
	nudge    chan struct{}
	freed    chan struct{}
	clusters map[string]*Cluster
	names    []string
	entra    entra
	uids     int
	tally    Tally
	writes   int
	signIns  *signInLog
	requests int
	guard    *Guard
}

// New returns an empty fleet.
func New(opts *Options) *Fleet {
	f := &Fleet{nudge: make(chan struct{}, 1), freed: make(chan struct{}), clusters: map[string]*Cluster{}, now: time.Now()}
	if opts != nil {
		f.opts = *opts
	}
	o := &f.opts
	if o.Mode == "" {
		o.Mode = catalog.ModeStandard
	}
	if o.Pace == 0 {
		o.Pace = 1
	}
	for d, def := range map[*time.Duration]time.Duration{
		&o.TokenEvery: 5 * time.Minute, &o.PodStart: 8 * time.Second, &o.SALag: 5 * time.Second, &o.Propagation: 10 * time.Second,
	} {
		if *d == 0 {
			*d = def
		}
	}
	f.rng = rand.New(rand.NewPCG(o.Seed, 0x77696d69))
	f.entra = entra{trusted: map[string][]credential{}, missed: map[string]time.Time{}}
	return f
}

// AddCluster adds a cluster of some nodes.
func (f *Fleet) AddCluster(name, region string, nodes int) *Cluster {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.catchUp()
	c := newCluster(f, name, region)
	f.clusters[name] = c
	f.names = append(f.names, name)
	for range nodes {
		c.addNode(true)
	}
	return c
}

// Cluster returns the cluster of that name, or nil.
func (f *Fleet) Cluster(name string) *Cluster {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.clusters[name]
}

// Clusters returns all clusters, as a Runner takes them.
func (f *Fleet) Clusters() map[string]cutover.Cluster {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[string]cutover.Cluster{}
	for name, c := range f.clusters {
		out[name] = c
	}
	return out
}

// uid returns the next UID.
func (f *Fleet) uid() string {
	f.uids++
	return fmt.Sprintf("00000000-0000-4000-8000-%012d", f.uids)
}

// Tally is what the pods of the fleet have lived through.
type Tally struct {
	// Taken, Failed and Wrong count tokens: all that were taken, attempts that failed until patience ended, and tokens of another
	// identity than the workload's.
	Taken, Failed, Wrong int
	// NewPath and OldPath part Taken by the way it came.
	NewPath, OldPath int
	// Births counts pods that were created, ReplicaSets the pod template revisions that ever ran.
	Births, ReplicaSets int
	// Failures are the first few failures, for a message.
	Failures []string
}

// Tally counts since the fleet was made, or since the last Reset.
func (f *Fleet) Tally() Tally {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.catchUp()
	return f.tally
}

// ResetTally begins to count anew.
func (f *Fleet) ResetTally() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.catchUp()
	f.tally = Tally{}
}

// Requests says how many calls the clusters have answered, and how many of them changed something.
func (f *Fleet) Requests() (all, writes int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.requests, f.writes
}
