package cutover

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// observePod takes a new state of a pod: one that was not there when the window opened was born in it.
func (s *loadSight) observePod(e WatchEvent, now time.Time) {
	uid := e.Object.GetUID()
	if !s.synced {
		s.before[uid] = true
		return
	}
	pod, err := toPod(e.Object)
	if s.before[uid] || err != nil || metav1.GetControllerOf(pod) == nil {
		return
	}
	b := s.orphans[uid]
	for _, y := range s.tallies {
		if known := y.find(uid); known != nil {
			b = known
		}
	}
	if b == nil {
		b = &birth{seen: now}
		defer func() { s.born(b) }()
	}
	b.pod, b.gone = pod, b.gone || e.Type == Gone
	if took, ok := readyTime(pod); ok && !b.wasReady {
		b.took = max(took, 1)
	}
	b.wasReady = b.wasReady || b.ready()
}

// born files a new pod under its workload, or as an orphan while nobody knows whose it is.
func (s *loadSight) born(b *birth) {
	y := s.tallyOf(b.pod)
	switch {
	case y == nil:
		s.orphans[b.pod.UID] = b
	case y.ofProbe(b) || isCurrent(b.pod, s.target.Revision[y.w.String()]):
		y.births = append(y.births, b)
	case !comesByRuns(y.w.Kind): // a Job made before the change may still bear pods
		s.changed = "pods of another template than the one under judgement are born: " + podObject(b.pod)
	}
}

func (s *loadSight) tallyOf(pod *corev1.Pod) *loadTally {
	owner := metav1.GetControllerOf(pod)
	for _, y := range s.tallies {
		if isOwner(owner, y.w) || s.owners[owner.UID] == y {
			return y
		}
	}
	return nil
}
